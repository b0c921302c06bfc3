"""The closed loop: rounds of recipes worth making next, and the ledger that keeps them.

A round is proposed from the samples measured so far. What was proposed once stands in the ledger
and is never proposed anew: neither more samples in the design nor more rounds change it.
"""

import csv
import hashlib
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coatline.design.write import replace_file
from coatline.errors import InputError
from coatline.optimise.box import Box, Recipe
from coatline.optimise.process import Process, fit_process

BOLDNESS = 2.0
"""Standard deviations that a recipe is given the benefit of the doubt."""

CANDIDATES = 2048
"""Recipes that each proposal is first chosen from."""


@dataclass(frozen=True)
class Proposal:
    """A recipe to be made.

    Attributes:
        round: number of its round, from 1.
        number: within the round, from 1.
        recipe: in %, rounded to 1e-4 %.
        expected: objective that was expected of it.
        deviation: standard deviation of that expectation.
        data: hash of the data that it was proposed from, see `hash_data`.
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
    recipes: np.ndarray,
    scores: np.ndarray,
    box: Box,
    slurry: Sequence[str] | None = None,
    seed: int = 0,
) -> tuple[Proposal, ...]:
    """Propose the recipes of a round, or return those that the ledger keeps of it.

    Missing proposals are appended to the ledger, in one step; one process at a time may do so.

    Args:
        ledger: CSV file; made where it is missing.
        round: number, from 1.
        size: recipes wanted. A round that is in the ledger with more gives its first ones, with
            fewer it is filled up.
        recipes: (n, d) in %, of the samples so far.
        scores: (n,) their objective; NaN where a sample has failed.
        box: that recipes are sought in.
        slurry: (n,) slurry of each sample; default one for each.
        seed: equal data, ledgers and seeds give equal proposals.

    Raises:
        ValueError: a number below 1, a round whose predecessor is not in the ledger, or data that
            cannot be used, see `propose_batch`.
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
    recipes, scores = _check_data(recipes, scores, box)
    pending = [one.recipe for one in known if not _is_among(one.recipe, recipes)]
    made_from = hash_data(recipes, scores, slurry)
    batch = propose_batch(
        recipes, scores, box, size - len(kept), slurry, pending, seed=_mix(seed, round, len(kept))
    )
    new = [
        Proposal(round, number, *proposed, made_from)
        for number, proposed in enumerate(batch, start=len(kept) + 1)
    ]
    _append(ledger, box.names, new)
    return tuple(kept + new)


def propose_batch(
    recipes: np.ndarray,
    scores: np.ndarray,
    box: Box,
    size: int,
    slurry: Sequence[str] | None = None,
    pending: Sequence[Recipe] = (),
    seed: int = 0,
    boldness: float = BOLDNESS,
) -> list[tuple[Recipe, float, float]]:
    """Propose recipes where uncertainty and promise are highest.

    Each is the least of μ - κ σ of a Gaussian process that already believes its own mean at the
    recipes proposed before it, so that σ is small there and the batch spreads out.

    Source: T. Desautels, A. Krause and J. W. Burdick, J. Mach. Learn. Res. 15 (2014) 4053-4103
    (GP-BUCB).

    Args:
        recipes: (n, d) in %, of the samples so far; in any order.
        scores: (n,) their objective, which is minimised; NaN where a sample has failed. Such a
            recipe counts as pending: it is not worth another try.
        box: that recipes are sought in; samples may lie out of it.
        size: recipes wanted.
        slurry: (n,) slurry of each sample; default one for each.
        pending: recipes on their way.
        seed: of the candidates.
        boldness: κ.

    Returns:
        Recipe in %, μ and σ there of each, when it was proposed.

    Raises:
        ValueError: fewer than three samples that did not fail, or all of the same objective.
    """
    recipes, scores = _check_data(recipes, scores, box)
    names = list(range(len(scores))) if slurry is None else list(slurry)
    if len(names) != len(scores):
        raise ValueError(f"rounds: {len(names)} slurries for {len(scores)} samples")
    # The same order for the same data, or sums of rounding errors would differ.
    order = sorted(range(len(scores)), key=lambda i: (*recipes[i], scores[i], str(names[i])))
    done = [index for index in order if math.isfinite(scores[index])]
    process = fit_process(
        box.to_unit(recipes[done]), scores[done], None if slurry is None else [names[i] for i in done]
    )
    failed = [tuple(recipes[index]) for index in order if not math.isfinite(scores[index])]
    for recipe in (*failed, *pending):
        process = _believe(process, box.to_unit(np.array(recipe)))
    batch = []
    for number in range(size):
        unit = _find_least(process, box, boldness, [seed, number])
        recipe = box.round(box.from_unit(unit))
        unit = box.to_unit(np.array(recipe))
        mean, deviation = process.predict(unit[None])
        batch.append((recipe, float(mean[0]), float(deviation[0])))
        process = _believe(process, unit)
    return batch


def recommend_recipe(
    recipes: np.ndarray,
    scores: np.ndarray,
    box: Box,
    slurry: Sequence[str] | None = None,
    seed: int = 0,
) -> Recipe:
    """Recommend the recipe of the least expected objective, in %, from samples alone.

    Arguments and errors as of `propose_batch`.
    """
    recipes, scores = _check_data(recipes, scores, box)
    done = np.isfinite(scores)
    names = None if slurry is None else [one for one, ok in zip(slurry, done) if ok]
    process = fit_process(box.to_unit(recipes[done]), scores[done], names)
    return box.round(box.from_unit(_find_least(process, box, 0.0, [seed])))


def _believe(process: Process, unit: np.ndarray) -> Process:
    return process.add(unit, float(process.predict(unit[None])[0][0]))


def _find_least(process: Process, box: Box, boldness: float, seed: Sequence[int]) -> np.ndarray:
    """Least of μ - κ σ: the best of many candidates, then of ever closer ones around the best."""
    draw = np.random.default_rng(seed)
    dimensions = len(box.names)
    candidates = draw.random((CANDIDATES, dimensions))
    centres = np.empty((0, dimensions))
    for width in (0.1, 0.03, 0.01, 0.003, 0.001, 0.0):
        mean, deviation = process.predict(candidates)
        best = np.argsort(mean - boldness * deviation, kind="stable")[:8]
        centres = candidates[best]
        steps = width * draw.standard_normal((32, *centres.shape))
        candidates = np.vstack([centres, np.clip(centres + steps, 0, 1).reshape(-1, dimensions)])
    return centres[0]


def _check_data(
    recipes: np.ndarray, scores: np.ndarray, box: Box
) -> tuple[np.ndarray, np.ndarray]:
    recipes, scores = np.asarray(recipes, dtype=float), np.asarray(scores, dtype=float)
    if recipes.shape != (len(scores), len(box.names)) or scores.ndim != 1:
        raise ValueError(
            f"rounds: recipes of shape {recipes.shape} and scores of shape {scores.shape} do not "
            f"go together over {len(box.names)} inputs"
        )
    if not np.isfinite(recipes).all():
        raise ValueError("rounds: a recipe is not finite")
    return recipes, scores


def _is_among(recipe: Recipe, recipes: np.ndarray) -> bool:
    """Whether a recipe is one of (n, d), to half of the last decimal that recipes have."""
    return bool((np.abs(recipes - np.array(recipe)) <= 5e-5).all(axis=1).any())


def hash_data(
    recipes: np.ndarray, scores: np.ndarray, slurry: Sequence[str] | None = None
) -> str:
    """Hash samples: 16 hexadecimal digits that any order of the same samples gives.

    Args:
        recipes: (n, d) in %.
        scores: (n,), NaN where a sample has failed.
        slurry: (n,) slurry of each sample.
    """
    names = [""] * len(scores) if slurry is None else [str(name) for name in slurry]
    rows = zip(np.asarray(recipes, dtype=float).tolist(), np.asarray(scores).tolist(), names)
    lines = sorted(json.dumps([recipe, float(score), name]) for recipe, score, name in rows)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def read_ledger(path: Path, names: Sequence[str]) -> tuple[Proposal, ...]:
    """Read all proposals, in the order of rounds and numbers; none where there is no file.

    Args:
        path: of the ledger.
        names: of the inputs.

    Raises:
        InputError: the file is no ledger of these inputs, or is damaged; the line names file and
            line.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"{path}: the ledger of proposals cannot be read: {reason}") from None
    rows = list(csv.reader(io.StringIO(text)))
    columns = _list_columns(names)
    again = "restore it; what it proposed cannot be made again"
    if not rows or rows[0] != columns:
        raise InputError(f"{path}: is no ledger with columns {','.join(columns)}; {again}")
    found: dict[tuple[int, int], Proposal] = {}
    for line, row in enumerate(rows[1:], start=2):
        try:
            round, number = int(row[0]), int(row[1])
            *recipe, expected, deviation = (float(cell) for cell in row[2:-1])
            if len(row) != len(columns) or not np.isfinite([*recipe, expected, deviation]).all():
                raise ValueError
        except (ValueError, IndexError):
            raise InputError(f"{path}, line {line}: is no proposal; {again}") from None
        if (round, number) in found:
            raise InputError(
                f"{path}, line {line}: proposal {number} of round {round} stands there twice; "
                f"{again}"
            )
        found[round, number] = Proposal(
            round, number, tuple(recipe), expected, deviation, row[-1]
        )
    before = (0, 0)
    for key in sorted(found):
        if key not in ((before[0], before[1] + 1), (before[0] + 1, 1)) or key[0] < 1:
            raise InputError(
                f"{path}: proposal {key[1]} of round {key[0]} has no predecessor; {again}"
            )
        before = key
    if text and not text.endswith("\n"):
        raise InputError(f"{path}, line {len(rows)}: does not end; {again}")
    return tuple(found[key] for key in sorted(found))


def _list_columns(names: Sequence[str]) -> list[str]:
    return ["round", "number", *names, "expected", "deviation", "data"]


def _append(path: Path, names: Sequence[str], new: Sequence[Proposal]) -> None:
    """Append proposals; what the file holds stays as it is, byte by byte."""
    path = Path(path)
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    if path.exists():
        lines.write(path.read_text(encoding="utf-8"))
    else:
        writer.writerow(_list_columns(names))
    for one in new:
        row = [one.round, one.number, *one.recipe, one.expected, one.deviation, one.data]
        writer.writerow(row)
    replace_file(path, lines.getvalue())
