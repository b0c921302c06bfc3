"""The ledger of the closed loop: what was proposed once is kept, and is never proposed anew.

Neither more samples in the design nor more rounds change a round that is in the ledger: lines are
only ever appended. Nothing heavy is imported: the rule files read it.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coatline.design.file import COLUMNS as DESIGN
from coatline.design.write import replace_file
from coatline.errors import InputError

INPUTS = DESIGN[2:]
"""Inputs of a recipe, in its order; the ledger has all of them, whichever vary."""

COLUMNS = (
    *("round", "number"),
    *(f"{name} (%)" for name in INPUTS),
    *("expected", "deviation", "data", "aims"),
)
"""Columns of the ledger."""

DIGITS = 16
"""Hexadecimal digits of hashes."""


@dataclass(frozen=True)
class Proposal:
    """A recipe to be made.

    Attributes:
        round: number of its round, from 1.
        number: within the round, from 1.
        recipe: all three inputs in %, rounded to 1e-4 %.
        expected: C_f that was expected of it.
        deviation: standard deviation of that expectation.
        data: hash of the samples that it was proposed from, see `Samples.hash`.
        aims: hash of what was asked for, see `coatline.optimise.objective.hash_aims`.
    """

    round: int
    number: int
    recipe: tuple[float, ...]
    expected: float
    deviation: float
    data: str
    aims: str


def read_ledger(path: Path) -> tuple[Proposal, ...]:
    """Read all proposals, in the order of rounds and numbers; none where there is no file.

    Raises:
        InputError: the file is no ledger, or is damaged; the line names file and line.
    """
    again = "restore it, for what it proposed cannot be proposed again"
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"{path}: the ledger of proposals cannot be read: {reason}") from None
    rows = list(csv.reader(io.StringIO(text)))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise InputError(f"{path}: is no ledger with columns {','.join(COLUMNS)}; {again}")
    if not text.endswith("\n"):
        raise InputError(f"{path}, line {len(rows)}: is cut off; {again}")
    found: dict[tuple[int, int], Proposal] = {}
    for line, row in enumerate(rows[1:], start=2):
        one = _parse(row)
        if one is None:
            raise InputError(f"{path}, line {line}: is no proposal; {again}")
        key = one.round, one.number
        if key in found:
            raise InputError(
                f"{path}, line {line}: proposal {key[1]} of round {key[0]} stands there twice; "
                f"{again}"
            )
        # Rounds follow each other; only a round that is filled up has numbers further down.
        if (key[0], key[1] - 1) not in found and (key[1] != 1 or not _may_begin(key[0], found)):
            raise InputError(
                f"{path}, line {line}: what comes before proposal {key[1]} of round {key[0]} is "
                f"missing; {again}"
            )
        found[key] = one
    return tuple(found[key] for key in sorted(found))


def _may_begin(round: int, found: dict[tuple[int, int], Proposal]) -> bool:
    return round == 1 or (round - 1, 1) in found


def _parse(row: Sequence[str]) -> Proposal | None:
    """Read a row; None where it is no proposal."""
    try:
        round, number = int(row[0]), int(row[1])
        *recipe, expected, deviation = (float(cell) for cell in row[2:-2])
    except (ValueError, IndexError):
        return None
    finite = all(map(math.isfinite, (*recipe, expected, deviation)))
    if len(row) != len(COLUMNS) or not finite or min(round, number) < 1:
        return None
    if {len(row[-2]), len(row[-1])} != {DIGITS}:
        return None
    return Proposal(round, number, tuple(recipe), expected, deviation, row[-2], row[-1])


def append_proposals(path: Path, new: Sequence[Proposal]) -> None:
    """Append proposals in one step; what the file holds stays as it is."""
    path, text = Path(path), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if path.exists():
        text.write(path.read_text(encoding="utf-8"))
    else:
        writer.writerow(COLUMNS)
    for one in new:
        row = [one.round, one.number, *one.recipe, one.expected, one.deviation]
        writer.writerow([*row, one.data, one.aims])
    replace_file(path, text.getvalue())


def place_recipe(ledger: Path, round: int, number: int) -> Path:
    """The file, beside the ledger, that holds the recipe of a proposal."""
    return Path(ledger).parent / f"round{round}" / f"recipe{number:02d}.json"


def find_history(ledger: Path, rounds: Iterable[int], batch: int) -> dict[int, int]:
    """Find the rounds that were proposed: in the ledger, and with their recipes in files.

    Args:
        ledger: CSV file; none is an empty one.
        rounds: to be looked for.
        batch: recipes of a round to be proposed today. A round is history with all recipes that
            the ledger has of it, or with this number if no more were ever put into files.

    Returns:
        How many recipes each round of the past has.

    Raises:
        InputError: the ledger cannot be read, or lacks a recipe that is in a file: what was made of
            it would be made again of another one.
    """
    known = Counter(one.round for one in read_ledger(ledger))
    found = {}
    for round in rounds:
        folder = place_recipe(ledger, round, 1).parent
        files = {int(path.stem[6:]) for path in folder.glob("recipe[0-9][0-9]*.json")}
        lost = sorted(files - set(range(1, known[round] + 1)))
        if lost:
            raise InputError(
                f"{ledger}: has no proposal {lost[0]} of round {round}, but its recipe is there, "
                f"{place_recipe(ledger, round, lost[0])}; restore the ledger, or remove {folder} "
                "to have the round proposed anew and its electrodes made again"
            )
        whole = (size for size in (known[round], batch) if size and len(files) >= size)
        size = next(whole, 0)
        if size:
            found[round] = size
    return found
