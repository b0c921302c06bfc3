"""TauFactor on a labelled image: an independent tortuosity factor, of the pores alone.

S. J. Cooper et al., SoftwareX 5 (2016) 203-210; S. Kench, I. Squires and S. Cooper, JOSS 8 (2023)
5358 (version 1, on torch). TauFactor takes voxels as cubes and answers even when it has not
converged or nothing percolates; both are ruled out here.
"""

import contextlib
import io
import math
import warnings

import numpy as np

from coatline.measure.transport import UnconvergedError, find_percolating


def run_taufactor(
    pore: np.ndarray,
    axis: int = 2,
    periodic: bool = True,
    threads: int = 1,
    tolerance: float = 1e-3,
    max_iterations: int = 20000,
) -> float:
    """Tortuosity factor of a pore mask by TauFactor; NaN if the pores do not percolate.

    Args:
        pore: (nx, ny, nz) bool, True where open; voxels are taken as cubes.
        axis: direction of transport.
        periodic: whether both lateral directions are periodic (films) or closed (images).
        threads: of torch on a CPU; a CUDA device is used where there is one.
        tolerance: largest relative spread of the flux over the layers.
        max_iterations: before giving up.

    Raises:
        UnconvergedError: TauFactor did not converge; no number is returned.
    """
    lateral = tuple(periodic and a != axis for a in range(3))
    through = find_percolating(pore, axis, lateral)
    if not through.any():
        return math.nan
    if pore.shape[axis] < 2:
        return float(pore.mean() / through.mean())
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        import taufactor
        import torch

        torch.set_num_threads(max(1, threads))
        kind = taufactor.PeriodicSolver if periodic else taufactor.Solver
        # Closed pores carry nothing but slow the sweeps down; the factor counts them as pores.
        image = np.moveaxis(through, axis, 0).astype(np.uint8)
        if periodic:
            # Its chequerboard of updates must close across the edges: odd sides are laid twice,
            # or the sweeps diverge.
            image = np.tile(image, (1, *(1 + count % 2 for count in image.shape[1:])))
        solver = kind(image, device="cuda" if torch.cuda.is_available() else "cpu")
        solver.solve(iter_limit=max_iterations, verbose=False, conv_crit=tolerance)
    rate = float(np.squeeze(solver.D_rel))
    if not solver.converged or not (math.isfinite(rate) and rate > 0):
        raise UnconvergedError(f"TauFactor: no convergence within {max_iterations} iterations")
    return float(pore.mean()) / rate
