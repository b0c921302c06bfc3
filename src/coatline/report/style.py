"""Look of all figures, and saving them so that equal figures are equal files.

Figures are made without pyplot, inside `with style():`, and written by `save`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "purple": "#CC79A7",
}
"""Palette that colour-blind readers can tell apart (Okabe and Ito, 2008)."""

CYCLE = ("blue", "vermilion", "green", "orange", "purple", "sky", "black")
"""Order in which lines take colours; yellow is too pale on white."""

COLUMN, PAGE = 3.5, 7.2
"""Width of a figure over one column and over the page, inches."""

_SETTINGS = {
    "axes.edgecolor": "0.2",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.labelsize": 9,
    "axes.linewidth": 0.7,
    "axes.prop_cycle": matplotlib.cycler(color=[COLOURS[name] for name in CYCLE]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "grid.color": "0.9",
    "grid.linewidth": 0.6,
    "image.cmap": "viridis",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "lines.markersize": 4,
    "mathtext.fontset": "dejavusans",
    "pdf.fonttype": 42,
    "savefig.dpi": 300,
    "svg.fonttype": "path",
    "svg.hashsalt": "coatline",
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}

_METADATA = {
    ".svg": {"Date": None, "Creator": None},
    ".pdf": {"CreationDate": None, "ModDate": None, "Producer": None, "Creator": None},
    ".png": {"Software": None},
}


@contextmanager
def style() -> Iterator[None]:
    """Draw in this look, whatever the user's own matplotlib settings; they come back afterwards."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def save(figure: Figure, path: Path | str) -> None:
    """Write a figure; the same figure gives the same bytes.

    Args:
        figure: made inside `style`.
        path: ends in .svg, .pdf or .png; its folder is made.

    Raises:
        ValueError: another ending.
    """
    path = Path(path)
    if path.suffix not in _METADATA:
        raise ValueError(f"{path}: figures are written as {', '.join(_METADATA)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    with style():
        freeze_layout(figure)
        figure.savefig(path, format=path.suffix[1:], metadata=_METADATA[path.suffix])


def freeze_layout(figure: Figure) -> None:
    """Lay a figure out once and round the places of its panels.

    The solver behind constrained layout takes its variables in the order of their addresses: its
    last digits change from run to run, and a PDF shows ten of them.
    """
    if figure.get_layout_engine() is None:
        return
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        place = axes.get_position(original=True).bounds
        axes.set_position([round(one, 6) for one in place], which="original")
