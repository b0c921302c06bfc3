"""A figure with its caption, and writing both; one caption serves all who show the figure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from coatline.design.write import replace_file
from coatline.report.style import COLUMN, save, style

CAPTION = ".rst"
"""Ending of captions: plain sentences, which are reStructuredText as well."""


@dataclass(frozen=True)
class Drawing:
    """A figure and the sentences below it, which state its numbers."""

    figure: Figure
    caption: str


def draw_note(text: str) -> Drawing:
    """Draw a sentence where a figure would be, such as why there is none."""
    with style():
        figure = Figure(figsize=(COLUMN, 1.2))
        figure.text(0.5, 0.5, text, wrap=True, ha="center", va="center", fontsize=8)
    return Drawing(figure, text)


def save_drawings(drawings: Mapping[str, Drawing], files: Iterable[str | Path]) -> None:
    """Write figures and captions.

    Args:
        drawings: by name.
        files: to write, named like a drawing: .svg, .pdf, .png, and .rst for the caption.
    """
    for path in map(Path, files):
        drawing = drawings[path.stem]
        if path.suffix == CAPTION:
            path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(path, escape_caption(drawing.caption) + "\n")
        else:
            save(drawing.figure, path)


def escape_caption(text: str) -> str:
    """Escape what reStructuredText or a template would read as markup."""
    for mark in "\\*`|":
        text = text.replace(mark, "\\" + mark)
    return text.replace("{", "(").replace("}", ")").replace("_ ", "\\_ ")


def read_caption(path: Path | str) -> str:
    """Read a caption back as plain text."""
    text = Path(path).read_text(encoding="utf-8").strip()
    for mark in "*`|_\\":
        text = text.replace("\\" + mark, mark)
    return text


def letter_axes(axes: Sequence[Axes]) -> None:
    """Put letters A, B, C … above panels."""
    for number, one in enumerate(axes):
        one.set_title(chr(ord("A") + number), loc="left", fontweight="bold")
