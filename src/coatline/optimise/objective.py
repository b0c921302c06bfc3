"""The objective: several properties of an electrode as one number to be minimised.

Source: Duquesnoy et al., "Machine learning-assisted multi-objective optimization of battery
manufacturing …", equations 2 and 3.
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

GOALS = ("minimise", "maximise")

PUBLISHED_GOALS = {
    "effective_electronic_conductivity": "maximise",
    "tortuosity_factor": "minimise",
    "active_surface_area": "maximise",
    "density": "maximise",
}
"""What the paper asks of its four properties (section 1.4)."""


class Surrogate(Protocol):
    """Whatever predicts one property of electrodes from their recipes."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict from recipes (n, d) in %: (n,)."""


@dataclass(frozen=True)
class Aim:
    """What is asked of one property.

    Attributes:
        name: of the property.
        goal: minimise or maximise.
        low, high: range of the property over the dataset, in its unit; it becomes [0, 1].
        weight: in the objective; only ratios of weights count.
    """

    name: str
    goal: str
    low: float
    high: float
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Check goal, range and weight.

        Raises:
            ValueError: an unknown goal, a range without extent, a weight that is negative or no
                number.
        """
        if self.goal not in GOALS:
            raise ValueError(
                f"objective: the goal of {self.name} must be minimise or maximise, "
                f"got {self.goal!r}"
            )
        if not (math.isfinite(self.low) and math.isfinite(self.high)):
            raise ValueError(f"objective: {self.name} has no finite range")
        if self.low >= self.high:
            raise ValueError(
                f"objective: {self.name} is {self.low:g} in all of the dataset; a constant "
                "property cannot be optimised, leave it out"
            )
        if not (math.isfinite(self.weight) and self.weight >= 0):
            raise ValueError(
                f"objective: the weight of {self.name} must be 0 or more, got {self.weight}"
            )

    def scale(self, values: np.ndarray) -> np.ndarray:
        """Scale values of the property, of any shape, to [0, 1] over the dataset, not clipped."""
        return (np.asarray(values, dtype=float) - self.low) / (self.high - self.low)

    def measure_shortfall(self, values: np.ndarray) -> np.ndarray:
        """Scale values so that 0 is the best of the dataset and 1 the worst, not clipped."""
        scaled = self.scale(values)
        return scaled if self.goal == "minimise" else 1.0 - scaled


def make_aims(
    dataset: Mapping[str, np.ndarray],
    goals: Mapping[str, str] | None = None,
    weights: Mapping[str, float] | None = None,
) -> tuple[Aim, ...]:
    """Make aims out of a dataset, whose ranges they scale by.

    Args:
        dataset: values (n,) by property, in the property's unit; NaN where a sample has failed.
        goals: minimise or maximise, by property; default those of the paper.
        weights: by property, 1 where left out.

    Returns:
        One aim for each goal, in their order.

    Raises:
        ValueError: a property that the dataset lacks, that is constant or has fewer than two
            values; a goal or a weight that cannot be used; weights that add up to 0.
    """
    goals = PUBLISHED_GOALS if goals is None else goals
    weights = weights or {}
    if not goals:
        raise ValueError("objective: no property is asked for")
    for name in goals:
        if name not in dataset:
            raise ValueError(
                f"objective: the dataset has no property {name!r}, but {', '.join(dataset)}"
            )
    for name in weights:
        if name not in goals:
            raise ValueError(
                f"objective: a weight is given for {name!r}, which is none of {', '.join(goals)}"
            )
    aims = []
    for name, goal in goals.items():
        values = np.asarray(dataset[name], dtype=float).ravel()
        values = values[np.isfinite(values)]
        if len(values) < 2:
            raise ValueError(
                f"objective: {name} has {len(values)} values in the dataset; at least 2 are needed"
            )
        low, high = float(values.min()), float(values.max())
        aims.append(Aim(name, goal, low, high, float(weights.get(name, 1.0))))
    check_weights(aims)
    return tuple(aims)


def hash_aims(aims: Iterable[Aim]) -> str:
    """Hash what C_f means: 16 hexadecimal digits, the same for any order of the aims.

    Properties of weight 0 and a common factor of the weights do not count.
    """
    asked = [aim for aim in aims if aim.weight > 0]
    total = sum(aim.weight for aim in asked)
    lines = sorted(
        f"{aim.name} {aim.goal} {aim.weight / total:.9g} {aim.low:.9g} {aim.high:.9g}"
        for aim in asked
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def check_weights(aims: Iterable[Aim]) -> None:
    """Check that the weights add up to more than 0.

    Raises:
        ValueError: they do not.
    """
    if not sum(aim.weight for aim in aims) > 0:
        raise ValueError("objective: the weights add up to 0; give at least one property a weight")


def score_properties(aims: Sequence[Aim], properties: np.ndarray) -> np.ndarray:
    """Compute C_f, as `Objective` defines it, of properties, predicted or measured.

    Args:
        aims: p of them.
        properties: (..., p), in the units of the dataset; NaN gives NaN.

    Returns:
        (...) between 0 and 1.

    Raises:
        ValueError: another number of properties than of aims.
    """
    properties = np.asarray(properties, dtype=float)
    if properties.ndim == 0 or properties.shape[-1] != len(aims):
        raise ValueError(
            f"objective: {len(aims)} properties are needed "
            f"({', '.join(aim.name for aim in aims)}), got an array of shape {properties.shape}"
        )
    total = np.zeros(properties.shape[:-1])
    for index, aim in enumerate(aims):
        total += aim.weight * np.clip(aim.measure_shortfall(properties[..., index]), 0.0, 1.0) ** 2
    return total / sum(aim.weight for aim in aims)


class Objective:
    """C_f = Σ_i w_i t_i² / Σ_i w_i of the properties i of a recipe.

    t_i is property i, scaled to [0, 1] over the dataset and clipped, where it is to be minimised,
    and 1 less that where it is to be maximised. With equal weights this is equation 3 of Duquesnoy
    et al. C_f lies between 0, the best of every property in the dataset at once, and 1.

    Attributes:
        aims: what is asked of each property.
        surrogates: by property.
    """

    def __init__(self, aims: Iterable[Aim], surrogates: Mapping[str, Surrogate]) -> None:
        """Take aims and the surrogates that predict their properties; further ones are ignored.

        Raises:
            ValueError: there are no aims, a property has two aims or no surrogate, or the weights
                add up to 0.
        """
        self.aims = tuple(aims)
        names = self.names
        if not names:
            raise ValueError("objective: no property is asked for")
        if len(set(names)) < len(names):
            raise ValueError(f"objective: a property stands twice in {', '.join(names)}")
        for name in names:
            if name not in surrogates:
                raise ValueError(
                    f"objective: there is no surrogate for {name!r}, only for "
                    f"{', '.join(surrogates) or 'nothing'}"
                )
        check_weights(self.aims)
        self.surrogates = {name: surrogates[name] for name in names}

    @property
    def names(self) -> tuple[str, ...]:
        """Properties, in the order of the aims."""
        return tuple(aim.name for aim in self.aims)

    def replace(self, surrogates: Mapping[str, Surrogate]) -> "Objective":
        """Make the same objective of other surrogates, such as refitted ones."""
        return Objective(self.aims, surrogates)

    def predict_properties(self, recipes: np.ndarray) -> np.ndarray:
        """Predict the properties of recipes.

        Args:
            recipes: (..., d) in %.

        Returns:
            (..., p), in the units of the dataset.

        Raises:
            ValueError: a surrogate has no finite value at a recipe.
        """
        recipes = np.asarray(recipes, dtype=float)
        rows = np.atleast_2d(recipes).reshape(-1, recipes.shape[-1])
        columns = []
        for name, surrogate in self.surrogates.items():
            values = np.asarray(surrogate.predict(rows), dtype=float).reshape(len(rows))
            lost = np.flatnonzero(~np.isfinite(values))
            if len(lost):
                raise ValueError(
                    f"objective: the surrogate of {name} has no value at recipe "
                    f"{rows[lost[0]].tolist()}"
                )
            columns.append(values)
        return np.stack(columns, axis=-1).reshape(*recipes.shape[:-1], len(columns))

    def score(self, properties: np.ndarray) -> np.ndarray:
        """Compute C_f of properties (..., p): (...), see `score_properties`."""
        return score_properties(self.aims, properties)

    def evaluate(self, recipes: np.ndarray) -> np.ndarray:
        """Compute C_f of recipes (..., d) in %: (...); errors as of `predict_properties`."""
        return self.score(self.predict_properties(recipes))
