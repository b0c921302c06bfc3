"""The closed loop: recipes worth making next, where uncertainty and promise are highest.

What is worth knowing is which recipe is best. Draws of what the objective may be, given the samples
so far, show which recipes may be the best: there is promise. A recipe is proposed if making it
tells most about how these compare: there is uncertainty. On stand-ins with noise this beat the
lower confidence bound, which asks where a recipe may be good but not what it would teach.

Every property has a Gaussian process of its own, and the objective follows from them: properties
are smooth in the recipe, but their objective has kinks where it clips, and its noise is skewed.
Source: R. Astudillo and P. I. Frazier, Bayesian Optimization of Composite Functions, ICML 2019.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from coatline.optimise.box import Box, Recipe
from coatline.optimise.objective import Aim, score_properties
from coatline.optimise.process import Process, fit_process

POOL = 256
"""Recipes among which the best one is looked for, half of them near the one expected best."""

DRAWS = 64
"""Draws of what the objective may be."""

CANDIDATES = 2048
"""Recipes that a search for the least expected objective starts from."""

NODES, SHARES = np.polynomial.hermite_e.hermegauss(7)
"""Nodes and weights of Gauss-Hermite quadrature for a standard normal variable."""
SHARES = SHARES / SHARES.sum()


@dataclass(frozen=True)
class Samples:
    """What has been made and measured so far.

    Attributes:
        recipes: (n, d) in %.
        properties: (n, p) in the units of the dataset; NaN where a sample has none: all of them
            where it has failed, conductivity alone where nothing percolates.
        slurry: (n,) slurry of each sample; None if every sample has its own.
    """

    recipes: np.ndarray
    properties: np.ndarray
    slurry: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        """Bring the samples into an order that does not depend on the given one.

        Raises:
            ValueError: arrays of different lengths, or a recipe that is not finite.
        """
        recipes = np.asarray(self.recipes, dtype=float)
        properties = np.asarray(self.properties, dtype=float)
        slurry = None if self.slurry is None else tuple(map(str, self.slurry))
        lengths = {len(recipes), len(properties), len(recipes if slurry is None else slurry)}
        if recipes.ndim != 2 or properties.ndim != 2 or len(lengths) > 1:
            raise ValueError(
                f"rounds: recipes of shape {recipes.shape} and properties of shape "
                f"{properties.shape} must be rows of the same samples, with a slurry for each"
            )
        if not np.isfinite(recipes).all():
            raise ValueError("rounds: a recipe is not finite")
        # In another order the same numbers would add up to other rounding errors.
        order = sorted(
            range(len(recipes)), key=lambda i: self._write(recipes, properties, slurry, i)
        )
        object.__setattr__(self, "recipes", recipes[order])
        object.__setattr__(self, "properties", properties[order])
        object.__setattr__(self, "slurry", slurry and tuple(slurry[i] for i in order))

    @staticmethod
    def _write(
        recipes: np.ndarray, properties: np.ndarray, slurry: tuple[str, ...] | None, index: int
    ) -> str:
        name = slurry[index] if slurry else ""
        return json.dumps([recipes[index].tolist(), properties[index].tolist(), name])

    def hash(self) -> str:
        """Hash the samples: 16 hexadecimal digits, the same for any order of them."""
        lines = (
            self._write(self.recipes, self.properties, self.slurry, index)
            for index in range(len(self.recipes))
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Belief:
    """What samples let one expect of the objective.

    Attributes:
        box: that recipes are sought in.
        aims: p of them.
        processes: one for each aim.
    """

    box: Box
    aims: tuple[Aim, ...]
    processes: tuple[Process, ...]

    def predict(self, units: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Predict C_f, without effects of slurries and noise.

        The processes of different properties count as independent.

        Args:
            units: (k, d) recipes in the unit box.

        Returns:
            Mean (k,) and standard deviation (k,).
        """
        total = sum(aim.weight for aim in self.aims)
        mean, variance = np.zeros(len(units)), np.zeros(len(units))
        for aim, process in zip(self.aims, self.processes, strict=True):
            centre, deviation = process.predict(units)
            values = process.restore(centre[:, None] + deviation[:, None] * NODES)
            parts = np.clip(aim.measure_shortfall(values), 0.0, 1.0) ** 2
            middle = parts @ SHARES
            mean += aim.weight / total * middle
            variance += (aim.weight / total) ** 2 * ((parts - middle[:, None]) ** 2 @ SHARES)
        return mean, np.sqrt(variance)

    def add(self, unit: np.ndarray, which: Sequence[bool] | None = None) -> "Belief":
        """Believe that a recipe (d,), in the unit box, turns out as expected.

        Args:
            unit: the recipe.
            which: of the properties; default all.
        """
        chosen = [True] * len(self.aims) if which is None else which
        grown = [
            one.add(unit, float(one.predict(unit[None])[0][0])) if yes else one
            for one, yes in zip(self.processes, chosen, strict=True)
        ]
        return Belief(self.box, self.aims, tuple(grown))


def form_belief(samples: Samples, aims: Sequence[Aim], box: Box) -> Belief:
    """Fit a process to each property, of the samples that have it.

    Raises:
        ValueError: properties and aims differ in number, recipes and box in inputs, fewer than
            three samples have a property, or it is the same for all of them.
    """
    if samples.properties.shape[1] != len(aims) or samples.recipes.shape[1] != len(box.names):
        raise ValueError(
            f"rounds: samples of {samples.recipes.shape[1]} inputs and "
            f"{samples.properties.shape[1]} properties for {len(box.names)} inputs and "
            f"{len(aims)} aims"
        )
    units, processes = box.to_unit(samples.recipes), []
    for aim, values in zip(aims, samples.properties.T, strict=True):
        done = np.flatnonzero(np.isfinite(values))
        names = None if samples.slurry is None else [samples.slurry[index] for index in done]
        processes.append(fit_process(units[done], values[done], names, aim.name))
    return Belief(box, tuple(aims), tuple(processes))


def propose_batch(
    samples: Samples,
    aims: Sequence[Aim],
    box: Box,
    size: int,
    pending: Sequence[Recipe] = (),
    seed: int = 0,
) -> list[tuple[Recipe, float, float]]:
    """Propose recipes where uncertainty and promise are highest.

    Each is chosen given that all before it, and those pending, turn out as expected, so that the
    batch does not ask the same twice.

    Sources: the aim, to learn where the optimum is: P. Hennig and C. J. Schuler, J. Mach. Learn.
    Res. 13 (2012) 1809-1837; batches: T. Desautels, A. Krause and J. W. Burdick, J. Mach. Learn.
    Res. 15 (2014) 4053-4103. See `measure_gain`.

    Args:
        samples: so far. Where a sample lacks a property, its recipe counts as pending for that
            one: it is not worth another try.
        aims: what is asked of each property.
        box: that recipes are sought in; samples may lie out of it.
        size: recipes wanted.
        pending: recipes on their way, in %.
        seed: of the draws.

    Returns:
        Recipe in % of each, and mean and standard deviation of C_f there when it was proposed.

    Raises:
        ValueError: data that cannot be used, see `form_belief`.
    """
    belief = form_belief(samples, aims, box)
    for recipe, values in zip(samples.recipes, samples.properties, strict=True):
        belief = belief.add(box.to_unit(recipe), ~np.isfinite(values))
    for recipe in pending:
        belief = belief.add(box.to_unit(recipe))
    batch = []
    for number in range(size):
        draw = np.random.default_rng([seed, number])
        unit = _choose_unit(belief, draw)
        recipe = box.round(box.from_unit(unit))
        unit = box.to_unit(np.array(recipe))
        mean, deviation = belief.predict(unit[None])
        batch.append((recipe, float(mean[0]), float(deviation[0])))
        belief = belief.add(unit)
    return batch


def _choose_unit(belief: Belief, draw: np.random.Generator) -> np.ndarray:
    """The recipe (d,), in the unit box, that is worth making most."""
    dimensions = len(belief.box.names)
    best = _find_least(belief, draw)
    near = np.clip(best + 0.15 * draw.standard_normal((POOL // 2, dimensions)), 0, 1)
    pool = np.vstack([best, draw.random((POOL // 2, dimensions)), near])
    promising = pool[draw_objective(belief, pool, draw).argmin(axis=1)]
    # Beside the pool: more of the box, its faces and edges too, where trends show best.
    faces = np.clip(1.2 * draw.random((2 * POOL, dimensions)) - 0.1, 0, 1)
    candidates = np.vstack([pool, faces])
    return candidates[measure_gain(belief, candidates, promising).argmax()]


def draw_objective(belief: Belief, units: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Draw what the objective may be at recipes (k, d) of the unit box: (`DRAWS`, k)."""
    properties = []
    for process in belief.processes:
        covariance = process.covary(units, units)
        width = 1e-6 * covariance.trace() / len(units) + 1e-300
        factor = np.linalg.cholesky(covariance + width * np.eye(len(units)))
        noise = draw.standard_normal((DRAWS, len(units)))
        properties.append(process.restore(process.predict(units)[0] + noise @ factor.T))
    return score_properties(belief.aims, np.stack(properties, axis=-1))


def measure_gain(belief: Belief, candidates: np.ndarray, promising: np.ndarray) -> np.ndarray:
    """Measure what making a recipe would tell about how promising recipes compare.

    It is the variance of C_f by which they would differ less: C_f minus its mean over the promising
    recipes, linear in the properties or their logarithms, summed over independent properties. A new
    sample of variance v about m + f takes c² / (σ² + v) from the variance of what has covariance c
    with it.

    Args:
        belief: so far.
        candidates: (k, d) recipes to be made, in the unit box.
        promising: (l, d) recipes of which one may be the best.

    Returns:
        (k,).
    """
    total = sum(aim.weight for aim in belief.aims)
    gain = np.zeros(len(candidates))
    for aim, process in zip(belief.aims, belief.processes, strict=True):
        middle = process.predict(promising)[0]
        shortfall = aim.measure_shortfall(process.restore(middle))
        shortfall = np.where((shortfall > 0) & (shortfall < 1), shortfall, 0.0)  # else C_f is flat
        slope = 2 * aim.weight / total * shortfall / (aim.high - aim.low) * process.slope(middle)
        shared = process.covary(candidates, promising) * slope
        shared -= shared.mean(axis=1, keepdims=True)
        variance = process.predict(candidates)[1] ** 2 + process.error
        gain += (shared**2).mean(axis=1) / variance
    return gain


def recommend_recipe(samples: Samples, aims: Sequence[Aim], box: Box, seed: int = 0) -> Recipe:
    """Recommend the recipe of the least expected C_f, in %, from samples alone.

    Arguments and errors as of `propose_batch`.
    """
    unit = _find_least(form_belief(samples, aims, box), np.random.default_rng(seed))
    return box.round(box.from_unit(unit))


def _find_least(belief: Belief, draw: np.random.Generator) -> np.ndarray:
    """Least expected C_f: the best of many recipes, then of ever closer ones around the best."""
    dimensions = len(belief.box.names)
    candidates = draw.random((CANDIDATES, dimensions))
    for width in (0.1, 0.03, 0.01, 0.003, 0.001):
        centres = _choose(belief, candidates)
        steps = width * draw.standard_normal((32, *centres.shape))
        candidates = np.vstack([centres, np.clip(centres + steps, 0, 1).reshape(-1, dimensions)])
    return _choose(belief, candidates)[0]


def _choose(belief: Belief, candidates: np.ndarray) -> np.ndarray:
    """The eight best candidates, best first."""
    return candidates[np.argsort(belief.predict(candidates)[0], kind="stable")[:8]]
