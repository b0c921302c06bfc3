"""The ledger of the closed loop: what was proposed once is kept, and is never proposed anew.

Neither more samples in the design nor more rounds change a round that is in the ledger: lines are
only ever appended.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coatline.design.write import replace_file
from coatline.errors import InputError
from coatline.optimise.box import Box, Recipe
from coatline.optimise.objective import Aim
from coatline.optimise.rounds import Samples, propose_batch


@dataclass(frozen=True)
class Proposal:
    """A recipe to be made.

    Attributes:
        round: number of its round, from 1.
        number: within the round, from 1.
        recipe: in %, rounded to 1e-4 %.
        expected: C_f that was expected of it.
        deviation: standard deviation of that expectation.
        data: hash of the samples that it was proposed from, see `Samples.hash`.
    """

    round: int
    number: int
    recipe: Recipe
    expected: float
    deviation: float
    data: str


def propose_round(
    ledger: Path,
    round: int,
    size: int,
    samples: Samples,
    aims: Sequence[Aim],
    box: Box,
    seed: int = 0,
) -> tuple[Proposal, ...]:
    """Propose the recipes of a round, or return those that the ledger keeps of it.

    Missing proposals are appended to the ledger, in one step; one process at a time may do so.
    Proposals of the ledger that are not among the samples count as pending.

    Args:
        ledger: CSV file; made where it is missing.
        round: number, from 1.
        size: recipes wanted. A round that is in the ledger with more gives its first ones, with
            fewer it is filled up.
        samples: so far.
        aims: what is asked of each property.
        box: that recipes are sought in.
        seed: equal samples, ledgers and seeds give equal proposals.

    Raises:
        ValueError: a number below 1, a round whose predecessor is not in the ledger, or samples
            that cannot be used, see `propose_batch`.
        InputError: the ledger cannot be read.
    """
    if round < 1 or size < 1:
        raise ValueError(f"rounds: round and size must be at least 1, got {round} and {size}")
    known = read_ledger(ledger, box.names)
    kept = [one for one in known if one.round == round]
    if len(kept) >= size:
        return tuple(kept[:size])
    last = max((one.round for one in known), default=0)
    if round > last + 1:
        raise ValueError(f"rounds: round {round} cannot be made before round {last + 1}")
    pending = [one.recipe for one in known if not _is_among(one.recipe, samples.recipes)]
    # Every round, and every part of one, has candidates of its own.
    mixed = int(np.random.SeedSequence([seed, round, len(kept)]).generate_state(1)[0])
    batch = propose_batch(samples, aims, box, size - len(kept), pending, mixed)
    made_from = samples.hash()
    new = [
        Proposal(round, number, *proposed, made_from)
        for number, proposed in enumerate(batch, start=len(kept) + 1)
    ]
    _append(Path(ledger), box.names, new)
    return tuple(kept + new)


def read_ledger(path: Path, names: Sequence[str]) -> tuple[Proposal, ...]:
    """Read all proposals, in the order of rounds and numbers; none where there is no file.

    Args:
        path: of the ledger.
        names: of the inputs.

    Raises:
        InputError: the file is no ledger of these inputs, or is damaged; the line names file and
            line.
    """
    again = "restore it, for what it proposed cannot be proposed again"
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"{path}: the ledger of proposals cannot be read: {reason}") from None
    rows, columns = list(csv.reader(io.StringIO(text))), _list_columns(names)
    if not rows or rows[0] != columns:
        raise InputError(f"{path}: is no ledger with columns {','.join(columns)}; {again}")
    if not text.endswith("\n"):
        raise InputError(f"{path}, line {len(rows)}: is cut off; {again}")
    found: dict[tuple[int, int], Proposal] = {}
    for line, row in enumerate(rows[1:], start=2):
        one = _parse(row, len(names))
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


def _parse(row: Sequence[str], inputs: int) -> Proposal | None:
    """Read a row; None where it is no proposal."""
    try:
        round, number = int(row[0]), int(row[1])
        *recipe, expected, deviation = (float(cell) for cell in row[2:-1])
    except (ValueError, IndexError):
        return None
    finite = np.isfinite([*recipe, expected, deviation]).all()
    if len(recipe) != inputs or not finite or min(round, number) < 1 or len(row[-1]) != 16:
        return None
    return Proposal(round, number, tuple(recipe), expected, deviation, row[-1])


def _list_columns(names: Sequence[str]) -> list[str]:
    return ["round", "number", *names, "expected", "deviation", "data"]


def _append(path: Path, names: Sequence[str], new: Sequence[Proposal]) -> None:
    """Append proposals; what the file holds stays as it is."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if path.exists():
        text.write(path.read_text(encoding="utf-8"))
    else:
        writer.writerow(_list_columns(names))
    for one in new:
        row = [one.round, one.number, *one.recipe, one.expected, one.deviation, one.data]
        writer.writerow(row)
    replace_file(path, text.getvalue())


def _is_among(recipe: Recipe, recipes: np.ndarray) -> bool:
    """Whether a recipe is one of (n, d), to half of the last decimal that recipes have."""
    return bool((np.abs(recipes - np.array(recipe)) <= 5e-5).all(axis=1).any())
