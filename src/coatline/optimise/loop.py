"""Rounds of the closed loop in a campaign: what is proposed, and what has become of it."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from coatline.errors import InputError
from coatline.learn.measurements import Measurements
from coatline.measure.dataset import INPUTS
from coatline.optimise.box import Box, Recipe
from coatline.optimise.ledger import Proposal, append_proposals, read_ledger
from coatline.optimise.objective import Aim, hash_aims, score_properties
from coatline.optimise.rounds import Samples, propose_batch
from coatline.optimise.study import Edges, choose_aims, make_box

Row = dict[str, Any]

COLUMNS = (
    *("round", "number", "sample"),
    *INPUTS,
    *("aims", "expected", "deviation", "simulated", "least", "status", "cause"),
)
"""Columns of `list_rounds`."""


def propose_recipes(
    ledger: Path,
    round: int,
    size: int,
    base: Measurements,
    data: Measurements,
    goals: Mapping[str, str],
    weights: Mapping[str, float],
    edges: Edges,
    fixed: Mapping[str, float],
    seed: int = 0,
) -> list[dict[str, float]]:
    """Propose the recipes of a round, or return those that the ledger keeps of it.

    Args:
        ledger: CSV file of all proposals; it is only ever appended to.
        round: number, from 1.
        size: recipes wanted.
        base: electrodes of the design, whose ranges properties are scaled by.
        data: these and those of earlier rounds.
        goals, weights: by property.
        edges: of the inputs that vary, %.
        fixed: the others, %.
        seed: of the draws.

    Returns:
        Recipes in %, all three inputs.

    Raises:
        InputError: the ledger cannot be read, or the electrodes do not allow a proposal.
    """
    box = make_box(edges)
    aims, left_out = choose_aims(base, goals, weights)
    aims = tuple(aim for aim in aims if aim.weight > 0)
    if not aims:
        why = "; ".join(f"{name}: {flaw}" for name, flaw in left_out.items())
        raise InputError(f"round {round}: nothing can be learned from these electrodes: {why}")
    for name, why in left_out.items():
        print(f"coatline: round {round}: {name} plays no part: {why}")
    try:
        samples = take_samples(data, aims, edges)
        found = propose_round(ledger, round, size, samples, aims, box, fixed, seed)
    except ValueError as error:
        raise InputError(f"round {round}: {error}") from None
    return [dict(zip(INPUTS, one.recipe, strict=True)) for one in found]


def propose_round(
    ledger: Path,
    round: int,
    size: int,
    samples: Samples,
    aims: Sequence[Aim],
    box: Box,
    fixed: Mapping[str, float] | None = None,
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
        fixed: inputs that are not of the box, %.
        seed: equal samples, ledgers and seeds give equal proposals.

    Raises:
        ValueError: a number below 1, a round whose predecessor is not in the ledger, or samples
            that cannot be used, see `propose_batch`.
        InputError: the ledger cannot be read.
    """
    if round < 1 or size < 1:
        raise ValueError(f"rounds: round and size must be at least 1, got {round} and {size}")
    known = read_ledger(ledger)
    kept = [one for one in known if one.round == round]
    if len(kept) >= size:
        return tuple(kept[:size])
    last = max((one.round for one in known), default=0)
    if round > last + 1:
        raise ValueError(f"rounds: round {round} cannot be made before round {last + 1}")
    columns = [list(INPUTS).index(name) for name in box.names]
    asked = [tuple(one.recipe[index] for index in columns) for one in known]
    pending = [recipe for recipe in asked if not _is_among(recipe, samples.recipes)]
    mixed = mix_seed(seed, round, len(kept))
    batch = propose_batch(samples, aims, box, size - len(kept), pending, mixed)
    hashes = samples.hash(), hash_aims(aims)
    new = []
    for number, (recipe, expected, deviation) in enumerate(batch, start=len(kept) + 1):
        named = dict(zip(box.names, recipe, strict=True)) | dict(fixed or {})
        whole = tuple(named[name] for name in INPUTS)
        new.append(Proposal(round, number, whole, expected, deviation, *hashes))
    append_proposals(ledger, new)
    return tuple(kept + new)


def mix_seed(seed: int, round: int, kept: int) -> int:
    """Make a seed of its own for every round, and every part of one, from that of the campaign."""
    return int(np.random.SeedSequence([seed, round, kept]).generate_state(1)[0])


def _is_among(recipe: Recipe, recipes: np.ndarray) -> bool:
    """Whether a recipe is one of (n, d), to half of the last decimal that recipes have."""
    return bool((np.abs(recipes - np.array(recipe)) <= 5e-5).all(axis=1).any())


def take_samples(data: Measurements, aims: Sequence[Aim], edges: Edges) -> Samples:
    """Take what rounds learn from: recipes, properties (NaN where failed), slurries."""
    columns = [list(INPUTS).index(name) for name in edges]
    values = np.stack([data.values[aim.name] for aim in aims], axis=1)
    values = np.where(data.ok[:, None], values, np.nan)
    return Samples(data.inputs[:, columns], values, data.slurry)


def list_rounds(
    ledger: Path,
    base: Measurements,
    rounds: Sequence[Measurements],
    goals: Mapping[str, str],
    weights: Mapping[str, float],
    edges: Edges,
) -> list[Row]:
    """List what was proposed and what has become of it, round by round.

    Args:
        ledger: of all proposals.
        base: electrodes of the design.
        rounds: those of each round, in its order.
        goals, weights: by property.
        edges: of the inputs that vary.

    Returns:
        A row for each electrode of the rounds: `round`, `number`, `sample`, recipe in %, `aims`,
        the hash of what it was proposed for, `expected` C_f and its `deviation` when it was
        proposed, `simulated` C_f, `least` C_f of all electrodes made by then, `status`, `cause`.
        C_f is that of the aims of today; what was expected under others, and what a round under
        others came to, is no measure of it and left out.
    """
    aims, _ = choose_aims(base, goals, weights)
    today = hash_aims(aims) if aims else ""
    known = {(one.round, one.number): one for one in read_ledger(ledger)}
    least = _least(_score(base, aims), math.inf)
    rows: list[Row] = []
    for round, data in enumerate(rounds, start=1):
        scores = _score(data, aims)
        least = _least(scores, least)
        for index, sample in enumerate(data.sample):
            proposal = known.get((round, index + 1))
            alike = proposal is not None and proposal.aims == today
            rows.append(
                {"round": round, "number": index + 1, "sample": sample}
                | dict(zip(INPUTS, data.inputs[index].tolist(), strict=True))
                | {
                    "aims": proposal.aims if proposal else "",
                    "expected": proposal.expected if alike else math.nan,
                    "deviation": proposal.deviation if alike else math.nan,
                    "simulated": float(scores[index]),
                    "least": least if alike else math.nan,
                    "status": data.status[index],
                    "cause": data.cause[index],
                }
            )
    return rows


def _score(data: Measurements, aims: Sequence[Aim]) -> np.ndarray:
    if not aims:
        return np.full(len(data.sample), np.nan)
    values = np.stack([data.values[aim.name] for aim in aims], axis=1)
    return np.where(data.ok, score_properties(aims, values), np.nan)


def _least(scores: np.ndarray, before: float) -> float:
    known = scores[np.isfinite(scores)]
    return min(before, float(known.min())) if len(known) else before
