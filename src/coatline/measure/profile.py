"""Phase profiles: how the phases are spread over the depth of a film."""

import numpy as np

from coatline.measure.volume import Volume


def measure_profile(volume: Volume) -> tuple[np.ndarray, np.ndarray]:
    """Volume fraction of each phase per slab of voxels.

    Returns:
        depth: (nz,) height of each slab's middle above the collector in µm.
        share: (3, nz) volume fractions in the order of the labels: pore, CBD, AM; columns sum to 1.
    """
    depth = (np.arange(volume.am.shape[2]) + 0.5) * volume.spacing[2]
    am, cbd = (part.mean(axis=(0, 1), dtype=np.float64) for part in (volume.am, volume.cbd))
    return depth, np.stack([1.0 - am - cbd, cbd, am])
