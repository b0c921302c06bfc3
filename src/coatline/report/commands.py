"""Commands for people about what was made: draw a film, write the validation page.

Each is a row of `COMMANDS`: what it is for, its arguments, and what it runs.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from coatline.errors import InputError

ENDINGS = (".png", ".pdf", ".svg")
PUBLISHED = Path(__file__).resolve().parents[3] / "config" / "published" / "nmc111.yaml"
"""Data that the validation campaigns are compared with."""

WIDTH, NARROWEST = 1800, 450
"""Pixels of a picture, and at least for each film."""


def add_picture(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `picture`."""
    parser.description = "Draw films side by side at one scale, cut open so that one sees inside."
    parser.add_argument(
        "states", nargs="+", metavar="STATE", help="particles of a film, such as dried.data.gz"
    )
    parser.add_argument(
        "-o", "--output", required=True, metavar="FILE", help="picture: .png, .pdf or .svg"
    )
    parser.add_argument(
        "--title",
        action="append",
        default=[],
        metavar="TEXT",
        help="title of a film, once for each in their order (default: names of their files)",
    )


def run_picture(arguments: argparse.Namespace) -> int:
    """Draw films; each is as high as the top of its highest sphere.

    Raises:
        InputError: a state cannot be read, the titles do not match, or the file cannot be written.
    """
    output = Path(arguments.output)
    states = [Path(state) for state in arguments.states]
    titles = arguments.title or [state.name.split(".data")[0] for state in states]
    if output.suffix not in ENDINGS:
        raise InputError(f"--output {output}: must end in {', '.join(ENDINGS)}")
    if len(titles) != len(states):
        raise InputError(
            f"--title: {len(titles)} titles for {len(states)} films; give one for each"
        )

    from coatline.manufacture.state import read_state
    from coatline.report.render import draw_films, find_top, save_picture

    films = [read_state(state) for state in states]
    rows = [(title, film, find_top(film)) for title, film in zip(titles, films)]
    try:
        save_picture(draw_films(rows, width=max(WIDTH, NARROWEST * len(rows))), output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror or error})") from None
    print(f"written: {output}")
    return 0


def add_validate(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `validate`."""
    parser.description = (
        "Write the validation page and its figures from the campaigns of config/validation/ that "
        "were run; make validate runs them all and then this."
    )
    parser.add_argument(
        "--results", default="results", metavar="DIR", help="folder of all campaigns (results)"
    )
    parser.add_argument(
        "--published",
        default=str(PUBLISHED),
        metavar="FILE",
        help="published data (config/published/nmc111.yaml)",
    )
    parser.add_argument(
        "--out", default="docs/validation.md", metavar="FILE", help="page (docs/validation.md)"
    )


def run_validate(arguments: argparse.Namespace) -> int:
    """Write the page.

    Raises:
        InputError: there is no folder of results, or a file cannot be read or written.
    """
    results, page = Path(arguments.results), Path(arguments.out)
    if not results.is_dir():
        raise InputError(f"--results {results}: there is no such folder; run make validate")
    if page.suffix != ".md":
        raise InputError(f"--out {page}: must end in .md")

    from coatline.report.validation import write_validation

    try:
        write_validation(results, Path(arguments.published), page)
    except OSError as error:
        raise InputError(f"{page}: cannot be written ({error.strerror or error})") from None
    print(f"written: {page}, figures in {page.with_suffix('')}/")
    return 0


COMMANDS: dict[
    str,
    tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]],
] = {
    "picture": ("draw films as they lie after a stage", add_picture, run_picture),
    "validate": ("write the page of published data beside ours", add_validate, run_validate),
}
"""Name → what for, arguments, what it runs."""
