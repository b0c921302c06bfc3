"""The optimum of the objective: Bayesian optimisation as published, checked by another method.

Results are plain arrays in xarray datasets with units, ready to be written as netCDF and drawn.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import xarray as xr
from scipy.optimize import differential_evolution
from skopt import gp_minimize
from skopt.space import Real

from coatline.optimise.box import Box, Recipe
from coatline.optimise.objective import Objective

TOLERANCE = 1e-3
"""Largest difference in C_f between the optima of two methods that counts as agreement."""

NOISE = 1e-8
"""Variance of the noise of C_f that the Gaussian process may assume: formulas have none."""

Function = Callable[[np.ndarray], np.ndarray]
"""Values (n,) of recipes (n, d) in %."""


@dataclass(frozen=True)
class Optimum:
    """A recipe that minimises the objective.

    Attributes:
        recipe: in %, rounded to 1e-4 %.
        value: C_f of that recipe.
        properties: predicted for it, by name, in the units of the dataset.
    """

    recipe: Recipe
    value: float
    properties: dict[str, float]


@dataclass(frozen=True)
class Search:
    """What a search for the optimum has found.

    Attributes:
        optimum: of Bayesian optimisation.
        check: of differential evolution over the same box.
        trace: calls of Bayesian optimisation: `recipe` (call, input) in %, `objective` (call),
            `best` (call), the least so far.
        model: mean of the Gaussian process after the last call, at recipes (n, d) in %.
    """

    optimum: Optimum
    check: Optimum
    trace: xr.Dataset
    model: Function

    @property
    def difference(self) -> float:
        """C_f of the optimum less that of the check."""
        return self.optimum.value - self.check.value

    @property
    def agrees(self) -> bool:
        """Whether both methods agree: |ΔC_f| ≤ 1e-3."""
        return abs(self.difference) <= TOLERANCE

    @property
    def best(self) -> Optimum:
        """The better of the two optima; that of Bayesian optimisation where they agree."""
        return self.check if self.difference > TOLERANCE else self.optimum


def find_optimum(objective: Objective, box: Box, calls: int = 300, seed: int = 0) -> Search:
    """Minimise the objective over the box, by two methods.

    Bayesian optimisation: `skopt.gp_minimize` with `gp_hedge`, which chooses at each call between
    expected improvement, probability of improvement and confidence bound by what they gained
    before; the first 10 recipes are random. Source: Duquesnoy et al., section 1.4 and Methods.

    Args:
        objective: to be minimised.
        box: that the recipe lies in.
        calls: of the objective, at least 10; 300 in the paper.
        seed: equal seeds give equal results.

    Raises:
        ValueError: fewer than 10 calls, or a surrogate has no value somewhere in the box.
    """
    if calls < 10:
        raise ValueError(f"optimum: {calls} calls are too few, at least 10 are needed")
    found = gp_minimize(
        lambda recipe: float(objective.evaluate(np.array(recipe))),
        [Real(*edge, name=name) for edge, name in zip(box.edges, box.names, strict=True)],
        n_calls=calls,
        n_initial_points=10,
        acq_func="gp_hedge",
        # Fewer starts than skopt's 5 of 10,000 points: half the time, for three inputs as good.
        n_points=2000,
        n_restarts_optimizer=2,
        noise=NOISE,
        model_queue_size=1,
        random_state=seed,
    )
    values = np.asarray(found.func_vals, dtype=float)
    trace = xr.Dataset(
        {
            "recipe": (("call", "input"), np.array(found.x_iters, dtype=float), {"units": "%"}),
            "objective": ("call", values, {"units": "1", "long_name": "C_f"}),
            "best": (
                "call",
                np.minimum.accumulate(values),
                {"units": "1", "long_name": "least C_f so far"},
            ),
        },
        {"call": np.arange(1, calls + 1), "input": list(box.names)},
    )
    process = found.models[-1]

    def predict(recipes: np.ndarray) -> np.ndarray:
        return process.predict(box.to_unit(recipes))

    optimum = describe_optimum(objective, box, found.x)
    return Search(optimum, find_global(objective, box, seed), trace, predict)


def find_global(objective: Objective, box: Box, seed: int = 0) -> Optimum:
    """Minimise the objective over the box by differential evolution.

    Source: R. Storn and K. Price, J. Global Optim. 11 (1997) 341-359; SciPy's, with L-BFGS-B at the
    end.

    Args:
        objective: to be minimised.
        box: that the recipe lies in.
        seed: equal seeds give equal results.
    """
    return describe_optimum(objective, box, evolve(objective.evaluate, box, seed))


def evolve(function: Function, box: Box, seed: int = 0) -> np.ndarray:
    """Minimise a function over the box by differential evolution: the recipe (d,) in %."""
    # SciPy hands over one column per recipe, or a single recipe while it polishes.
    found = differential_evolution(
        lambda columns: function(columns.T),
        box.edges,
        vectorized=True,
        updating="deferred",
        init="sobol",
        popsize=16,
        tol=1e-8,
        atol=1e-12,
        maxiter=400,
        rng=np.random.default_rng(seed),
    )
    return np.clip(found.x, box.low, box.high)


def describe_optimum(objective: Objective, box: Box, recipe: Sequence[float]) -> Optimum:
    """Round a recipe and add what the objective and its surrogates say of it."""
    rounded = box.round(np.asarray(recipe, dtype=float))
    properties = objective.predict_properties(np.array(rounded))
    named = dict(zip(objective.names, properties.tolist(), strict=True))
    return Optimum(rounded, float(objective.score(properties)), named)


def compute_dependence(
    function: Function, box: Box, steps: int = 40, samples: int = 256, seed: int = 0
) -> xr.Dataset:
    """Compute the partial dependence of a function on each input and on each pair of inputs.

    The function is averaged over the inputs that are hidden, which are spread evenly over the box.
    With the `model` of a search this is what the paper's figure 3 shows; with the `evaluate` of an
    objective it is free of the error of that model.

    Source: J. H. Friedman, Ann. Stat. 29 (2001) 1189-1232, section 8.2.

    Args:
        function: values (n,) of recipes (n, d) in %.
        box: of at least two inputs.
        steps: points along each input.
        samples: recipes that the hidden inputs are taken from.
        seed: of these.

    Returns:
        For each input `NAME`: `mean_NAME` and `deviation_NAME` (NAME); for each pair, in the order
        of the box: `mean_ONE_TWO` and `deviation_ONE_TWO` (ONE, TWO), the standard deviation while
        hidden inputs vary. Coordinates in %.
    """
    hidden = box.spread(samples, seed)
    axes = [np.linspace(low, high, steps) for low, high in box.edges]
    units = {"units": "%"}
    data = xr.Dataset(
        coords={name: (name, axis, units) for name, axis in zip(box.names, axes, strict=True)}
    )
    for shown in _list_shown(len(box.names)):
        grid = np.stack(np.meshgrid(*(axes[i] for i in shown), indexing="ij"), axis=-1)
        values = np.empty((*grid.shape[:-1], samples))
        for first, fixed in enumerate(grid):
            rows = np.broadcast_to(hidden, (*fixed.shape[:-1], *hidden.shape)).copy()
            rows[..., shown] = fixed[..., None, :]
            values[first] = function(rows.reshape(-1, len(box.names))).reshape(rows.shape[:-1])
        names = [box.names[i] for i in shown]
        for kind, kept in (("mean", values.mean(axis=-1)), ("deviation", values.std(axis=-1))):
            data["_".join([kind, *names])] = (
                names,
                kept,
                {"units": "1", "long_name": f"{kind} of C_f over the hidden inputs"},
            )
    return data


def _list_shown(inputs: int) -> Iterator[list[int]]:
    """Each input, then each pair of them."""
    for count in (1, 2):
        yield from (list(shown) for shown in combinations(range(inputs), count))


def estimate_uncertainty(
    optimum: Optimum,
    refits: Sequence[Objective],
    box: Box,
    seed: int = 0,
    level: float = 0.95,
) -> xr.Dataset:
    """Estimate how far the optimum and its value may be trusted, from refitted surrogates.

    Args:
        optimum: found with the surrogates of all of the dataset.
        refits: objectives of the same aims with surrogates refitted to bootstrap samples of
            slurries, see `coatline.learn.resampling.draw_slurries`.
        box: that optima are sought in.
        seed: of the searches, by differential evolution.
        level: of the percentile intervals.

    Returns:
        `recipe` (refit, input): optimum of each refit, %; `least` (refit): its C_f; `objective`
        (refit): C_f of the given optimum; `property` (refit, name): properties of the given
        optimum; their percentile intervals `recipe_interval`, `least_interval`,
        `objective_interval` and `property_interval` (…, end); `at_edge` (input): share of the
        refits with their optimum on a face of the box; `optimum` (input): the given one.

    Raises:
        ValueError: fewer than two refits, aims that differ, or a level out of (0, 1).
    """
    if len(refits) < 2:
        raise ValueError(f"bootstrap: {len(refits)} refits are too few, at least 2 are needed")
    if any(one.aims != refits[0].aims for one in refits):
        raise ValueError("bootstrap: the refits must all have the same aims")
    if not 0 < level < 1:
        raise ValueError(f"bootstrap: the level must lie between 0 and 1, got {level}")
    optima = [find_global(objective, box, seed) for objective in refits]
    recipes = np.array([one.recipe for one in optima])
    given = np.array(optimum.recipe)
    properties = np.array([objective.predict_properties(given) for objective in refits])
    units = box.to_unit(recipes)
    data = xr.Dataset(
        {
            "optimum": ("input", given, {"units": "%"}),
            "recipe": (("refit", "input"), recipes, {"units": "%"}),
            "least": ("refit", [one.value for one in optima], {"units": "1"}),
            "objective": ("refit", refits[0].score(properties), {"units": "1"}),
            "property": (("refit", "name"), properties),
            "at_edge": ("input", ((units < 1e-3) | (units > 1 - 1e-3)).mean(axis=0)),
        },
        {"input": list(box.names), "name": list(refits[0].names), "end": ["low", "high"]},
        {"level": level},
    )
    ends = [50 * (1 - level), 50 * (1 + level)]
    for name in ("recipe", "least", "objective", "property"):
        interval = np.moveaxis(np.percentile(data[name].values, ends, axis=0), 0, -1)
        data[f"{name}_interval"] = ((*data[name].dims[1:], "end"), interval, data[name].attrs)
    return data
