"""The blocks of the configuration for what follows the dataset: learn and optimise."""

import difflib
import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from coatline.campaign.config.base import Block, FromList, KeyProblem, describe
from coatline.campaign.config.design import Recipe

Goal = Literal["minimise", "maximise"]

PROPERTIES = (
    "thickness",
    "density",
    "porosity",
    "porosity_without_nanopores",
    "nanoporosity",
    "volume_fraction_active_material",
    "volume_fraction_cbd",
    "active_surface_area",
    "specific_surface_area_am_pore",
    "specific_surface_area_am_cbd",
    "tortuosity_factor",
    "tortuosity_factor_pore",
    "relative_diffusivity",
    "tortuosity_factor_taufactor",
    "effective_electronic_conductivity",
    "thickness_dried",
    "thickness_lowest",
    "spring_back",
    "pressure_peak",
)
"""Variables of a dataset that a surrogate can be asked for."""

PUBLISHED: dict[str, Goal] = {
    "effective_electronic_conductivity": "maximise",
    "tortuosity_factor": "minimise",
    "active_surface_area": "maximise",
    "density": "maximise",
}
"""Properties and goals of Duquesnoy et al., section 1.4."""


def _reject(name: Any) -> str:
    close = difflib.get_close_matches(str(name), PROPERTIES, 1)
    meant = f"did you mean {close[0]}?" if close else f"must be one of {', '.join(PROPERTIES)}"
    return f"is no property of an electrode; {meant}"


def _check_property(name: Any, key: str) -> None:
    if name not in PROPERTIES:
        raise KeyProblem(_reject(name), key=key)


def _check_properties(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    for index, name in enumerate(value):
        if name not in PROPERTIES:
            raise KeyProblem(f"{name!r} {_reject(name)}")
        if name in value[:index]:
            raise KeyProblem(f"holds {name} twice")
    if not value:
        raise KeyProblem("is empty; give at least one property")
    return tuple(value)


def _check_goals(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for name, goal in value.items():
        _check_property(name, str(name))
        if goal not in ("minimise", "maximise"):
            raise KeyProblem("must be minimise or maximise", key=str(name))
    if not value:
        raise KeyProblem("is empty; give at least one property with minimise or maximise")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _check_weights(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for name, weight in value.items():
        if not _is_number(weight) or weight < 0:
            raise KeyProblem("must be a number from 0", key=str(name))
    return value


def _check_targets(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    checked = {}
    for name, ends in value.items():
        key = str(name)
        _check_property(name, key)
        right = "must be [lower, upper] in the unit of the property, null for an open end"
        if not isinstance(ends, list | tuple) or len(ends) != 2:
            raise KeyProblem(right, key=key)
        if not all(end is None or _is_number(end) for end in ends):
            raise KeyProblem(right, key=key)
        low, high = ends
        if low is None and high is None:
            raise KeyProblem("is open at both ends; give at least one", key=key)
        if low is not None and high is not None and low > high:
            raise KeyProblem(f"is reversed; the lower end comes first: [{high}, {low}]", key=key)
        checked[name] = (low, high)
    return checked


class Learn(Block):
    """Surrogates: formulas, Gaussian processes and least squares, and how good they are."""

    properties: Annotated[tuple[str, ...], BeforeValidator(_check_properties)] = describe(
        "variables of the dataset that are learned, beside those that optimise asks for",
        tuple(PUBLISHED),
        example=["density", "porosity"],
    )
    seeds: int = describe(
        "random splits that the surrogates are validated on, by sample and again by slurry",
        75,
        example=75,
        unit="splits",
        ge=2,
        le=1000,
    )
    test_share: float = describe(
        "share of the samples, or of the slurries, that a split holds out",
        0.2,
        example=0.2,
        unit="share",
        ge=0.05,
        le=0.5,
    )
    sobol_points: int = describe(
        "base points of the matrix that Sobol indices are computed on, a power of two",
        4096,
        example=4096,
        unit="points",
        ge=4096,
        le=2**20,
    )
    resamples: int = describe(
        "bootstrap samples of slurries behind the intervals of Sobol indices and of the optimum",
        200,
        example=200,
        unit="resamples",
        ge=10,
        le=10_000,
    )

    @model_validator(mode="after")
    def _check_points(self) -> "Learn":
        if self.sobol_points & (self.sobol_points - 1):
            below = 2 ** (self.sobol_points.bit_length() - 1)
            raise KeyProblem(f"is no power of two; take {below} or {2 * below}", key="sobol_points")
        return self


class Optimise(Block):
    """The best recipe, the front of compromises, and the electrodes that put both to the test."""

    goals: Annotated[dict[str, Goal], BeforeValidator(_check_goals)] = describe(
        "minimise or maximise, by property (Duquesnoy et al., section 1.4)",
        PUBLISHED,
        example={"density": "maximise", "tortuosity_factor": "minimise"},
    )
    weights: Annotated[dict[str, float], BeforeValidator(_check_weights)] = describe(
        "weight of each property in the objective, 1 where left out; only their ratios count",
        {},
        example={"density": 2},
    )
    surrogate: Literal["sisso", "process"] = describe(
        "what predicts the properties: the formulas, as published, or the Gaussian processes",
        "sisso",
        example="sisso",
    )
    calls: int = describe(
        "evaluations of the objective by Bayesian optimisation; its time grows with their square",
        300,
        example=300,
        unit="calls",
        ge=10,
        le=2000,
    )
    front: int = describe(
        "largest number of recipes on the Pareto front, the population of NSGA-II",
        200,
        example=200,
        unit="recipes",
        ge=20,
        le=2000,
    )
    targets: Annotated[
        dict[str, tuple[float | None, float | None]], BeforeValidator(_check_targets)
    ] = describe(
        "inverse design: [lower, upper] of properties, in their units, null for an open end; which "
        "recipes meet all of them",
        {},
        example={"density": [2.4, None], "tortuosity_factor": [None, 2.5]},
    )
    replicates: int | None = describe(
        "electrodes made at the optimum and at each of the recipes below, each from a slurry of "
        "its own with another seed; null makes 3, or none where campaign.dataset is given",
        None,
        example=3,
        unit="electrodes",
        ge=0,
        le=100,
    )
    recipes: Annotated[tuple[Recipe, ...], FromList] = describe(
        "recipes of your own to be made beside the optimum: a list, or path of a CSV file with the "
        "columns active_material, solid_content, compression_rate",
        (),
        example="recipes.csv",
    )
    rounds: int = describe(
        "rounds of the closed loop: each proposes recipes from all that was made before, makes "
        "them, and lets the surrogates learn from them; the rounds made stay as they are when "
        "more are asked for",
        0,
        example=2,
        unit="rounds",
        ge=0,
        le=99,
    )
    batch: int = describe(
        "recipes of each round to come, one electrode of each; rounds made keep theirs",
        4,
        example=4,
        unit="recipes",
        ge=1,
        le=99,
    )

    @model_validator(mode="after")
    def _check_names(self) -> "Optimise":
        for name in self.weights:
            if name not in self.goals:
                raise KeyProblem(
                    f"is given, but {name} is none of optimise.goals", key=f"weights.{name}"
                )
        if not any(self.weights.get(name, 1.0) > 0 for name in self.goals):
            raise KeyProblem("are all 0; give at least one property a weight", key="weights")
        return self
