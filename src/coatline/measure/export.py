"""Labels for other programs: TIFF pages and VTK image data."""

from pathlib import Path

import numpy as np


def write_tiff(path: Path, label: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Write labels [x, y, z] as TIFF: pages are z, rows y, columns x; spacing in µm (ImageJ).

    The pages' resolution holds the x and y edges, the ImageJ field `spacing` the z edge.
    """
    import tifffile

    tifffile.imwrite(
        path,
        np.ascontiguousarray(np.asarray(label, np.uint8).transpose(2, 1, 0)),
        imagej=True,
        resolution=(1 / spacing[0], 1 / spacing[1]),
        metadata={"axes": "ZYX", "spacing": float(spacing[2]), "unit": "um"},
    )


def write_vtk(path: Path, label: np.ndarray, spacing: tuple[float, float, float]) -> None:
    """Write labels [x, y, z] as legacy VTK structured points, binary; spacing in µm."""
    label = np.asarray(label, np.uint8)
    nx, ny, nz = label.shape
    head = (
        "# vtk DataFile Version 3.0\ncoatline labels: 0 pore, 1 CBD, 2 AM; lengths in um\nBINARY\n"
        f"DATASET STRUCTURED_POINTS\nDIMENSIONS {nx + 1} {ny + 1} {nz + 1}\nORIGIN 0 0 0\n"
        f"SPACING {spacing[0]:.9g} {spacing[1]:.9g} {spacing[2]:.9g}\n"
        f"CELL_DATA {label.size}\nSCALARS label unsigned_char 1\nLOOKUP_TABLE default\n"
    )
    Path(path).write_bytes(head.encode("ascii") + label.tobytes(order="F"))
