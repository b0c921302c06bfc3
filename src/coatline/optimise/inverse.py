"""Inverse design: which recipes give electrodes with properties in given ranges, or why none does.

How far a recipe misses a target is measured in units of the property's range over the dataset; the
miss of several targets is the largest. Negative misses are margins.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.ndimage import find_objects, generate_binary_structure, label

from coatline.optimise.box import Box, Recipe
from coatline.optimise.objective import Objective
from coatline.optimise.search import evolve

STEPS = 41
"""Points along each input of the grid that regions are sought on."""

REACHED = 1e-9
"""Largest miss that counts as met; it is rounding."""


@dataclass(frozen=True)
class Target:
    """A range that a property is wanted in.

    Attributes:
        name: of the property.
        low, high: in the unit of the property; infinite where open.
    """

    name: str
    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if math.isinf(self.low):
            return f"{self.name} of at most {self.high:g}"
        if math.isinf(self.high):
            return f"{self.name} of at least {self.low:g}"
        return f"{self.name} of {self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Region:
    """Neighbouring recipes that meet all targets.

    Attributes:
        recipe: the one of them with the largest margin to all targets, in %.
        margin: of that recipe, in ranges of the property that is nearest to an end of its target.
        properties: predicted for it, by name.
        low, high: the smallest box, in %, around the recipes of the region; not all of that box
            meets the targets.
        share: of the volume of the whole box; 0 for a region smaller than the grid can show.
    """

    recipe: Recipe
    margin: float
    properties: dict[str, float]
    low: Recipe
    high: Recipe
    share: float


@dataclass(frozen=True)
class Miss:
    """Why no recipe meets all targets.

    Attributes:
        conflict: a smallest set of targets that no recipe meets at once; a single one is out of
            reach by itself.
        recipe: the nearest miss to all targets, in %.
        miss: of that recipe, in ranges of the property that misses its target by most.
        properties: predicted for it, by name.
        missed: by how much each target is missed there, in the unit of the property; + too high,
            - too low; targets that are met are left out.
    """

    conflict: tuple[Target, ...]
    recipe: Recipe
    miss: float
    properties: dict[str, float]
    missed: dict[str, float]


@dataclass(frozen=True)
class Answer:
    """What inverse design has found: regions, largest margin first, or a miss.

    Attributes:
        targets: that were asked for.
        inputs: names of the inputs of a recipe.
        regions: of recipes that meet all targets; empty where none does.
        miss: why none does, else None.
    """

    targets: tuple[Target, ...]
    inputs: tuple[str, ...]
    regions: tuple[Region, ...]
    miss: Miss | None

    def describe(self) -> str:
        """Say in one or a few lines what was found."""
        if self.miss is None:
            lines = [f"{len(self.regions)} region(s) of recipes meet all targets:"]
            for region in self.regions:
                ranges = ", ".join(
                    f"{name} {low:g} to {high:g} %"
                    for name, low, high in zip(self.inputs, region.low, region.high, strict=True)
                )
                lines.append(
                    f"within {ranges}, {region.share:.2%} of the box; safest recipe "
                    f"{self._write(region.recipe)}"
                )
            return "\n".join(lines)
        conflict = " and ".join(map(str, self.miss.conflict))
        why = (
            f"{conflict} is out of reach"
            if len(self.miss.conflict) == 1
            else f"{conflict} exclude each other"
        )
        away = ", ".join(
            f"{name} {self.miss.properties[name]:.4g}, {abs(by):.3g} too "
            f"{'high' if by > 0 else 'low'}"
            for name, by in self.miss.missed.items()
        )
        return (
            f"no recipe meets all targets: {why}; nearest {self._write(self.miss.recipe)}: {away}"
        )

    def _write(self, recipe: Recipe) -> str:
        values = zip(self.inputs, recipe, strict=True)
        return ", ".join(f"{name} {value:.4g} %" for name, value in values)


def find_recipes(
    objective: Objective,
    box: Box,
    targets: Mapping[str, Sequence[float | None]],
    steps: int = STEPS,
    seed: int = 0,
) -> Answer:
    """Find the recipes whose predicted properties lie in target ranges.

    Regions are connected sets of points of a regular grid; where the grid holds no such point,
    differential evolution looks between its points.

    Args:
        objective: whose surrogates and ranges are used; goals and weights play no part.
        box: that recipes lie in.
        targets: (low, high) by property, in its unit; None leaves an end open.
        steps: points of the grid along each input.
        seed: of differential evolution.

    Raises:
        ValueError: no target, one of an unknown property, one that goes down or is open at both
            ends, or one that lies farther out of the dataset than the dataset is wide.
    """
    checked = check_targets(objective, targets)
    axes = [np.linspace(low, high, steps) for low, high in box.edges]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    each = measure_misses(objective, checked, objective.predict_properties(grid))
    miss = each.max(axis=-1)
    regions = _find_regions(objective, box, grid, miss)
    if not regions:
        recipe, least = _approach(objective, box, checked, grid, miss, seed)
        if least > REACHED:
            conflict = _find_conflict(objective, box, checked, grid, each, seed)
            return Answer(
                checked, box.names, (), _describe_miss(objective, checked, conflict, recipe)
            )
        at = tuple(recipe.tolist())
        regions = [Region(at, max(0.0, -least), _name(objective, at), at, at, 0.0)]
    regions.sort(key=lambda region: -region.margin)
    return Answer(checked, box.names, tuple(regions), None)


def check_targets(
    objective: Objective, targets: Mapping[str, Sequence[float | None]]
) -> tuple[Target, ...]:
    """Check targets against the properties of an objective; errors as of `find_recipes`."""
    if not targets:
        raise ValueError("targets: none is given")
    aims = {aim.name: aim for aim in objective.aims}
    checked = []
    for name, ends in targets.items():
        if name not in aims:
            raise ValueError(f"targets: {name!r} is none of {', '.join(aims)}")
        if len(ends) != 2:
            raise ValueError(f"targets: {name} needs two ends, low and high, got {len(ends)}")
        low = -math.inf if ends[0] is None else float(ends[0])
        high = math.inf if ends[1] is None else float(ends[1])
        if math.isinf(low) and math.isinf(high):
            raise ValueError(f"targets: {name} is open at both ends; give at least one")
        if not low <= high:
            raise ValueError(f"targets: {name} must go up, got {low:g} to {high:g}")
        aim, target = aims[name], Target(name, low, high)
        span = aim.high - aim.low
        if low > aim.high + span or high < aim.low - span:
            raise ValueError(
                f"targets: {target} is far from the {aim.low:g} to {aim.high:g} of the dataset; "
                "is it in the same unit?"
            )
        checked.append(target)
    return tuple(checked)


def measure_misses(
    objective: Objective, targets: Sequence[Target], properties: np.ndarray
) -> np.ndarray:
    """Measure by how much properties miss targets, in ranges of the dataset.

    Args:
        objective: whose aims give order and range of the properties.
        targets: t of them.
        properties: (..., p).

    Returns:
        (..., t); negative inside, where it is the margin to the nearer end.
    """
    misses = []
    for target in targets:
        index = objective.names.index(target.name)
        aim, values = objective.aims[index], properties[..., index]
        outside = np.maximum(target.low - values, values - target.high)
        misses.append(outside / (aim.high - aim.low))
    return np.stack(misses, axis=-1)


def _find_regions(
    objective: Objective, box: Box, grid: np.ndarray, miss: np.ndarray
) -> list[Region]:
    """Connected sets of points of the grid that meet all targets, neighbours by corners too."""
    marks, _ = label(miss <= 0, generate_binary_structure(miss.ndim, miss.ndim))
    regions = []
    for number, part in enumerate(find_objects(marks), start=1):
        mine = marks[part] == number
        place = np.unravel_index(np.where(mine, miss[part], np.inf).argmin(), mine.shape)
        recipe = box.round(grid[part][place])
        inside = grid[part][mine]
        regions.append(
            Region(
                recipe,
                float(-miss[part][place]),
                _name(objective, recipe),
                box.round(inside.min(axis=0)),
                box.round(inside.max(axis=0)),
                float(mine.sum() / miss.size),
            )
        )
    return regions


def _approach(
    objective: Objective,
    box: Box,
    targets: Sequence[Target],
    grid: np.ndarray,
    miss: np.ndarray,
    seed: int,
) -> tuple[np.ndarray, float]:
    """Recipe of the least miss, by differential evolution, or on the grid where that is better."""

    def measure(recipes: np.ndarray) -> np.ndarray:
        properties = objective.predict_properties(recipes)
        return measure_misses(objective, targets, properties).max(axis=-1)

    found = evolve(measure, box, seed)
    start = grid.reshape(-1, grid.shape[-1])[miss.argmin()]
    both = np.array([found, start])
    misses = measure(both)
    best = int(misses.argmin())
    return both[best], float(misses[best])


def _find_conflict(
    objective: Objective,
    box: Box,
    targets: Sequence[Target],
    grid: np.ndarray,
    each: np.ndarray,
    seed: int,
) -> tuple[Target, ...]:
    """A smallest set of targets that exclude each other; of several, that of the largest miss."""
    for count in range(1, len(targets)):
        missed = []
        for subset in combinations(range(len(targets)), count):
            together = each[..., subset].max(axis=-1)
            if together.min() <= 0:
                continue
            some = [targets[index] for index in subset]
            _, least = _approach(objective, box, some, grid, together, seed)
            if least > REACHED:
                missed.append((least, subset))
        if missed:
            return tuple(targets[index] for index in max(missed)[1])
    return tuple(targets)


def _describe_miss(
    objective: Objective, targets: Sequence[Target], conflict: tuple[Target, ...], at: np.ndarray
) -> Miss:
    recipe = tuple(at.tolist())
    named = _name(objective, recipe)
    values = np.array([named[name] for name in objective.names])
    missed = {}
    for target in targets:
        value = named[target.name]
        if value < target.low:
            missed[target.name] = value - target.low
        elif value > target.high:
            missed[target.name] = value - target.high
    worst = float(measure_misses(objective, targets, values).max())
    return Miss(conflict, recipe, worst, named, missed)


def _name(objective: Objective, recipe: Sequence[float]) -> dict[str, float]:
    values = objective.predict_properties(np.asarray(recipe, dtype=float))
    return dict(zip(objective.names, values.tolist(), strict=True))
