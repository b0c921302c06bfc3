"""The objective of a campaign from its dataset and surrogates, and its optimum as a record.

What cannot be learned is left out of the objective and named. Where nothing can be, the best of the
electrodes made stands in for an optimum, and the record says so.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from coatline.errors import InputError
from coatline.learn.measurements import Measurements, read_measurements
from coatline.learn.resampling import LEAST_SLURRIES, draw_slurries, fix_form
from coatline.learn.surrogates import read_surrogates
from coatline.measure.dataset import INPUTS
from coatline.optimise.box import Box
from coatline.optimise.inverse import Answer, find_recipes
from coatline.optimise.objective import Aim, Objective, Surrogate, make_aims, score_properties
from coatline.optimise.pareto import find_front
from coatline.optimise.search import (
    TOLERANCE,
    Optimum,
    compute_dependence,
    describe_optimum,
    estimate_uncertainty,
    find_optimum,
)

FIRST = "bayesian optimisation"
SECOND = "differential evolution"
BEST_SAMPLE = "best of the electrodes made"
MIDDLE = "middle of the design"

Edges = Mapping[str, Sequence[float]]
"""(low, high) of the inputs that vary, %."""


@dataclass(frozen=True)
class Study:
    """What an optimum is sought with.

    Attributes:
        data: all electrodes.
        box: that recipes lie in.
        fixed: inputs that do not vary, %.
        aims: of the properties that can be learned.
        ranks: of all that tell electrodes apart, learned or not.
        objective: None where no property has a surrogate.
        kind: sisso or process, what the objective is made of.
        left_out: why a property that has a goal plays no part, by property.
        units: by property.
    """

    data: Measurements
    box: Box
    fixed: dict[str, float]
    aims: tuple[Aim, ...]
    ranks: tuple[Aim, ...]
    objective: Objective | None
    kind: str
    left_out: dict[str, str]
    units: dict[str, str]

    @property
    def asked(self) -> tuple[Aim, ...]:
        """Aims that C_f is made of: those of the objective that have a weight."""
        aims = () if self.objective is None else self.objective.aims
        return tuple(aim for aim in aims if aim.weight > 0)

    def complete(self, recipe: Sequence[float]) -> dict[str, float]:
        """Name the values of a recipe, and add the inputs that do not vary, %."""
        named = dict(zip(self.box.names, map(float, recipe), strict=True)) | self.fixed
        return {name: named[name] for name in INPUTS}


def make_box(edges: Edges) -> Box:
    """Make the box of the inputs that vary; `InputError` where none does."""
    if not edges:
        raise InputError("optimise: no input varies in the design, there is nothing to choose")
    return Box(tuple((low, high) for low, high in edges.values()), tuple(edges))


def choose_aims(
    data: Measurements, goals: Mapping[str, str], weights: Mapping[str, float]
) -> tuple[tuple[Aim, ...], dict[str, str]]:
    """Make the aims that electrodes allow, with their ranges over these electrodes.

    Args:
        data: electrodes of the design, so that C_f means the same after a round as before it.
        goals: minimise or maximise, by property.
        weights: by property, 1 where left out.

    Returns:
        The aims, and why each other property is left out.
    """
    left_out = {name: data.find_flaw(name) for name in goals}
    kept = {name: goal for name, goal in goals.items() if not left_out[name]}
    if not any(weights.get(name, 1.0) > 0 for name in kept):
        return (), {name: why for name, why in left_out.items() if why}
    values = {name: data.values[name][data.find_rows(name)] for name in kept}
    aims = make_aims(values, kept, {n: w for n, w in weights.items() if n in kept})
    return aims, {name: why for name, why in left_out.items() if why}


def rank_aims(
    data: Measurements, goals: Mapping[str, str], weights: Mapping[str, float]
) -> tuple[Aim, ...]:
    """Make the aims of all properties that are not constant, however few the electrodes are."""
    aims = []
    for name, goal in goals.items():
        values = data.values[name][data.find_rows(name)]
        weight = weights.get(name, 1.0)
        if weight > 0 and len(values) > 1 and np.ptp(values) > 0:
            aims.append(Aim(name, goal, float(values.min()), float(values.max()), weight))
    return tuple(aims)


def make_study(
    base: Measurements,
    data: Measurements,
    surrogates: Mapping[str, Mapping[str, Surrogate]],
    edges: Edges,
    fixed: Mapping[str, float],
    goals: Mapping[str, str],
    weights: Mapping[str, float],
    kind: str,
) -> Study:
    """Put an objective together.

    Args:
        base: electrodes of the design, whose ranges properties are scaled by.
        data: these and those of rounds.
        surrogates: by property and kind, of `coatline.learn.surrogates.read_surrogates`.
        edges: of the box.
        fixed: inputs that do not vary.
        goals, weights: by property.
        kind: sisso or process.

    Raises:
        InputError: no input varies.
    """
    aims, left_out = choose_aims(base, goals, weights)
    chosen = {aim.name: surrogates.get(aim.name, {}).get(kind) for aim in aims}
    for name, surrogate in chosen.items():
        if surrogate is None:
            left_out[name] = f"it has no surrogate of the kind {kind}"
    used = [aim for aim in aims if chosen[aim.name] is not None]
    objective = None
    if any(aim.weight > 0 for aim in used):
        objective = Objective(used, {aim.name: chosen[aim.name] for aim in used})
    ranks = rank_aims(base, goals, weights)
    units = dict(base.units)
    box = make_box(edges)
    return Study(data, box, dict(fixed), aims, ranks, objective, kind, left_out, units)


def load_study(
    datasets: Sequence[str | Path],
    surrogates: str | Path,
    properties: Sequence[str],
    edges: Edges,
    fixed: Mapping[str, float],
    goals: Mapping[str, str],
    weights: Mapping[str, float],
    kind: str,
) -> tuple[Study, dict[str, dict[str, Surrogate]]]:
    """Load a study from files.

    Args:
        datasets: of the design, then of the rounds.
        surrogates: JSON of `coatline.learn.surrogates.describe_surrogates`, of these datasets.
        properties: that were learned.
        edges, fixed, goals, weights, kind: as of `make_study`.

    Returns:
        The study, and all surrogates by property and kind.

    Raises:
        InputError: a file cannot be read, or no input varies.
    """
    paths = [Path(file) for file in datasets]
    base, data = (read_measurements(part, properties) for part in (paths[:1], paths))
    found = read_surrogates(Path(surrogates), data)
    return make_study(base, data, found, edges, fixed, goals, weights, kind), found


def optimise_study(study: Study, calls: int, seed: int = 0) -> tuple[dict[str, Any], xr.Dataset]:
    """Find the optimum of a study; see `coatline.optimise.search.find_optimum`.

    Args:
        study: the objective and its box.
        calls: of the objective by Bayesian optimisation.
        seed: of both searches.

    Returns:
        The record of the optimum: `recipe` (%), `objective` (C_f), `properties`, `method` that
        found it, `bayesian` and `check` with both optima, `difference` of their C_f, `agrees`,
        `aims` that have a weight, `surrogate` (sisso or process), `left_out`, `notes`; and the data
        of the search: its trace, its partial dependence on the process of the search (`mean_…`,
        `deviation_…`) and on the objective itself (`objective_mean_…`, `objective_deviation_…`).
        Without an objective the dataset is empty.
    """
    record: dict[str, Any] = {
        "aims": [vars(aim) | {"units": study.units[aim.name]} for aim in study.asked],
        "surrogate": study.kind,
        "left_out": study.left_out,
        "notes": [f"{name} plays no part: {why}" for name, why in study.left_out.items()],
    }
    if study.objective is None:
        return _fall_back(study) | record, xr.Dataset(attrs={"note": "there is no objective"})
    search = find_optimum(study.objective, study.box, calls, seed)
    record |= {
        "bayesian": _describe(study, search.optimum) | {"calls": calls, "seed": seed},
        "check": _describe(study, search.check),
        "difference": search.difference,
        "tolerance": TOLERANCE,
        "agrees": search.agrees,
    }
    if not search.agrees:
        record["notes"].append(
            f"both methods differ by {abs(search.difference):.2g} in C_f, more than {TOLERANCE:g}: "
            "more calls may help"
        )
    method = FIRST if search.best is search.optimum else SECOND
    data = search.trace
    for prefix, function in (("", search.model), ("objective_", study.objective.evaluate)):
        if len(study.box.names) > 1:
            steps, samples = (40, 128) if calls >= 100 else (20, 64)
            part = compute_dependence(function, study.box, steps, samples, seed)
            data = data.merge(part.rename({name: prefix + name for name in part.data_vars}))
    return {"method": method} | _describe(study, search.best) | record, data


def _describe(study: Study, optimum: Optimum) -> dict[str, Any]:
    properties = {
        name: {"value": value, "units": study.units[name]}
        for name, value in optimum.properties.items()
    }
    return {
        "recipe": study.complete(optimum.recipe),
        "units": "%",
        "objective": optimum.value,
        "properties": properties,
    }


def _fall_back(study: Study) -> dict[str, Any]:
    """The best electrode made; where none is better than another, the middle of the box."""
    middle = study.box.round((study.box.low + study.box.high) / 2)
    empty = {"recipe": study.complete(middle), "units": "%", "objective": None, "properties": {}}
    if not study.ranks:
        return {"method": MIDDLE} | empty
    values = np.stack([study.data.values[aim.name] for aim in study.ranks], axis=1)
    scores = np.where(study.data.ok, score_properties(study.ranks, values), np.nan)
    if not np.isfinite(scores).any():
        return {"method": MIDDLE} | empty
    best = int(np.nanargmin(scores))
    properties = {
        aim.name: {"value": float(value), "units": study.units[aim.name]}
        for aim, value in zip(study.ranks, values[best], strict=True)
    }
    return {
        "method": BEST_SAMPLE,
        "recipe": dict(zip(INPUTS, study.data.inputs[best].tolist(), strict=True)),
        "units": "%",
        "objective": float(scores[best]),
        "properties": properties,
        "sample": study.data.sample[best],
    }


def read_optimum(path: Path, study: Study) -> Optimum:
    """Read the recipe of an optimum back, described by the objective of the study.

    Raises:
        InputError: the file holds no optimum.
    """
    try:
        recipe = json.loads(Path(path).read_text(encoding="utf-8"))["recipe"]
        values = np.array([float(recipe[name]) for name in study.box.names])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as an optimum ({error})") from None
    if study.objective is None:
        return Optimum(study.box.round(values), float("nan"), {})
    return describe_optimum(study.objective, study.box, values)


def resample_optimum(study: Study, optimum: Optimum, resamples: int, seed: int = 0) -> xr.Dataset:
    """Estimate the uncertainty of the optimum by a bootstrap over slurries.

    The form of the surrogates is kept, see `coatline.learn.resampling.fix_form`; the optimum of
    each refit is sought by differential evolution.

    Args:
        study: the objective and the electrodes.
        optimum: of the study.
        resamples: of slurries.
        seed: of the draws and searches.

    Returns:
        See `coatline.optimise.search.estimate_uncertainty`; a resample that cannot be fitted is
        left out and counted by the attribute `lost`. Only `optimum`, and a `note`, where slurries
        are too few.
    """
    recipe = xr.Dataset(
        {"optimum": ("input", list(optimum.recipe), {"units": "%"})},
        {"input": list(study.box.names)},
    )
    if study.objective is None:
        return recipe.assign_attrs(note="there is no objective to resample")
    names = study.objective.names
    rows_of = {name: study.data.find_rows(name) for name in names}
    for name, rows in rows_of.items():
        slurries = len({study.data.slurry[index] for index in rows})
        if slurries < LEAST_SLURRIES:
            return recipe.assign_attrs(
                note=f"a bootstrap needs {LEAST_SLURRIES} slurries, there are {slurries} with "
                f"{name}"
            )
    # Slurries are drawn for all properties together; each is fitted to the electrodes that have it.
    some = np.unique(np.concatenate(list(rows_of.values())))
    refits, lost = [], 0
    groups = np.array(study.data.slurry, dtype=object)[some].astype(str)
    columns = [list(INPUTS).index(name) for name in study.box.names]
    inputs = study.data.inputs[some][:, columns]
    for rows, labels in draw_slurries(groups, resamples, seed):
        refitted = {}
        for name in names:
            model = clone(fix_form(study.objective.surrogates[name]))
            values = study.data.values[name][some][rows]
            known = np.isfinite(values)
            extra = {"groups": labels[known]} if has_fit_parameter(model, "groups") else {}
            try:
                refitted[name] = model.fit(inputs[rows][known], values[known], **extra)
            except ValueError:
                break
        if len(refitted) < len(names):
            lost += 1
            continue
        refits.append(study.objective.replace(refitted))
    if len(refits) < 2:
        return recipe.assign_attrs(note=f"{lost} of {resamples} resamples could not be fitted")
    return estimate_uncertainty(optimum, refits, study.box, seed).assign_attrs(lost=lost)


def front_study(study: Study, optimum: Optimum, size: int, seed: int = 0) -> xr.Dataset:
    """Find the Pareto front of a study; see `coatline.optimise.pareto.find_front`.

    Returns:
        The front; empty with a `note` where there is no objective.
    """
    if study.objective is None:
        return xr.Dataset(attrs={"note": "there is no objective, so there is no front"})
    data = find_front(study.objective, study.box, optimum, size, seed=seed)
    names = [str(name) for name in data["name"].values]
    data["unit"] = ("name", [study.units[name] for name in names])
    return data


def find_targets(
    study: Study,
    surrogates: Mapping[str, Mapping[str, Surrogate]],
    targets: Mapping[str, Sequence[float | None]],
    kind: str,
    seed: int = 0,
) -> dict[str, Any]:
    """Find the recipes that meet target ranges; see `coatline.optimise.inverse.find_recipes`.

    Args:
        study: the electrodes and the box.
        surrogates: by property and kind.
        targets: (low, high) by property, in its unit; None leaves an end open.
        kind: of surrogate.
        seed: of differential evolution.

    Returns:
        `targets`, `met`, `answer` in words, `regions` of recipes, or `conflict` and the `nearest`
        recipe. Without targets, with one whose property was not learned or one that is far from
        all of the dataset, `met` is None and `answer` says why.
    """
    listed = {
        name: {"low": low, "high": high, "units": study.units.get(name, "")}
        for name, (low, high) in targets.items()
    }
    if not targets:
        return {"targets": {}, "met": None, "answer": "no targets are given", "regions": []}
    for name in targets:
        flaw = study.data.find_flaw(name) or (
            "" if kind in surrogates.get(name, {}) else f"it has no surrogate of the kind {kind}"
        )
        if flaw:
            answer = f"targets cannot be judged: {name} was not learned: {flaw}"
            return {"targets": listed, "met": None, "answer": answer, "regions": []}
    rows = {name: study.data.values[name][study.data.find_rows(name)] for name in targets}
    objective = Objective(
        make_aims(rows, dict.fromkeys(targets, "maximise")),
        {name: surrogates[name][kind] for name in targets},
    )
    try:
        answer = find_recipes(objective, study.box, targets, seed=seed)
    except ValueError as error:  # such as a target in another unit: nothing was judged
        answer = f"targets cannot be judged: optimise.{error}"
        return {"targets": listed, "met": None, "answer": answer, "regions": []}
    return {"targets": listed} | _describe_answer(study, answer)


def _describe_answer(study: Study, answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {
        "met": answer.miss is None,
        "answer": answer.describe(),
        "regions": [
            {
                "recipe": study.complete(one.recipe),
                "margin": one.margin,
                "properties": one.properties,
                "low": study.complete(one.low),
                "high": study.complete(one.high),
                "share": one.share,
            }
            for one in answer.regions
        ],
    }
    if answer.miss is not None:
        found["conflict"] = [one.name for one in answer.miss.conflict]
        found["nearest"] = {
            "recipe": study.complete(answer.miss.recipe),
            "miss": answer.miss.miss,
            "properties": answer.miss.properties,
            "missed": answer.miss.missed,
        }
    return found
