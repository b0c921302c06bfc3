"""The Pareto front: recipes of which none is better than another in every property."""

import numpy as np
import xarray as xr
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.problem import Problem
from pymoo.optimize import minimize
from scipy.spatial import KDTree

from coatline.optimise.box import Box
from coatline.optimise.objective import Objective
from coatline.optimise.search import Optimum


def find_front(
    objective: Objective,
    box: Box,
    optimum: Optimum | None = None,
    size: int = 200,
    generations: int = 150,
    seed: int = 0,
) -> xr.Dataset:
    """Find the Pareto front of the properties that the objective asks for.

    NSGA-II, of pymoo. Source: K. Deb et al., IEEE Trans. Evol. Comput. 6 (2002) 182-197. Weights
    play no part, and properties are not clipped; a property of weight 0 is left out.

    Args:
        objective: whose aims and surrogates are used.
        box: that recipes lie in.
        optimum: of the scalarised objective, marked on the front.
        size: of the population, hence the largest number of recipes.
        generations: of the population.
        seed: equal seeds give equal fronts.

    Returns:
        Over `point`, in the order of C_f: `recipe` (point, input) in %; `property` (point, name)
        in the units of the dataset; `scaled` (point, name), 0 the best of the dataset and 1 the
        worst, not clipped; `objective` (point). With an optimum: `optimum` (input), `distance`
        (point) of it in scaled properties, and the attributes `nearest` (its least distance),
        `spacing` (median distance of a point to the next, to compare with) and `dominated` (1
        where some point is better than the optimum in all properties by more than 1e-3, else 0;
        clipping can make the objective choose such an optimum).

    Raises:
        ValueError: a surrogate has no value somewhere in the box.
    """
    aims = [aim for aim in objective.aims if aim.weight > 0]
    kept = [index for index, aim in enumerate(objective.aims) if aim.weight > 0]
    result = minimize(
        _Properties(objective, box), NSGA2(pop_size=size), ("n_gen", generations), seed=seed
    )
    recipes = np.unique(np.atleast_2d(result.X), axis=0)
    recipes = np.array([box.round(recipe) for recipe in box.from_unit(recipes)])
    shortfalls = scale_shortfalls(objective, recipes)
    front = find_undominated(shortfalls)
    scores = objective.evaluate(recipes)
    front = front[np.argsort(scores[front], kind="stable")]
    properties = objective.predict_properties(recipes[front])[:, kept]
    data = xr.Dataset(
        {
            "recipe": (("point", "input"), recipes[front], {"units": "%"}),
            "property": (("point", "name"), properties),
            "scaled": (
                ("point", "name"),
                shortfalls[front],
                {"units": "1", "long_name": "0: best of the dataset, 1: worst"},
            ),
            "objective": ("point", scores[front], {"units": "1", "long_name": "C_f"}),
        },
        {"input": list(box.names), "name": [aim.name for aim in aims]},
    )
    if optimum is not None:
        mine = scale_shortfalls(objective, np.array([optimum.recipe]))[0]
        distance = np.linalg.norm(shortfalls[front] - mine, axis=1)
        data["optimum"] = ("input", list(optimum.recipe), {"units": "%"})
        data["distance"] = ("point", distance, {"units": "1"})
        data.attrs["nearest"] = float(distance.min())
        data.attrs["spacing"] = _measure_spacing(shortfalls[front])
        data.attrs["dominated"] = int((shortfalls[front] < mine - 1e-3).all(axis=1).any())
    return data


def scale_shortfalls(objective: Objective, recipes: np.ndarray) -> np.ndarray:
    """Scale properties of recipes (n, d) so that less is better: (n, p).

    0 is the best of the dataset, 1 the worst; not clipped. Properties of weight 0 are left out.
    """
    properties = objective.predict_properties(recipes)
    columns = [
        aim.measure_shortfall(properties[:, index])
        for index, aim in enumerate(objective.aims)
        if aim.weight > 0
    ]
    return np.stack(columns, axis=-1)


def find_undominated(shortfalls: np.ndarray) -> np.ndarray:
    """Find the rows that no other row dominates, less being better.

    A row dominates another if it is nowhere worse and somewhere better. Of equal rows the first is
    kept.

    Args:
        shortfalls: (n, p).

    Returns:
        Their indices, ascending.
    """
    kept = []
    for index, row in enumerate(shortfalls):
        better = (shortfalls <= row).all(axis=1) & (shortfalls < row).any(axis=1)
        equal = (shortfalls[:index] == row).all(axis=1)
        if not better.any() and not equal.any():
            kept.append(index)
    return np.array(kept, dtype=int)


def _measure_spacing(shortfalls: np.ndarray) -> float:
    """Median distance of a point to the nearest other one; 0 for a single point."""
    if len(shortfalls) < 2:
        return 0.0
    return float(np.median(KDTree(shortfalls).query(shortfalls, k=2)[0][:, 1]))


class _Properties(Problem):
    """The properties as pymoo wants them: all minimised, over the unit box."""

    def __init__(self, objective: Objective, box: Box) -> None:
        count = sum(aim.weight > 0 for aim in objective.aims)
        super().__init__(n_var=len(box.names), n_obj=count, xl=0.0, xu=1.0)
        self.objective, self.box = objective, box

    def _evaluate(self, x: np.ndarray, out: dict, *args: object, **kwargs: object) -> None:
        out["F"] = scale_shortfalls(self.objective, self.box.from_unit(x))
