"""The design block of the configuration: which electrodes are made."""

import math
from typing import Annotated, Any, Literal

from pydantic import model_validator

from coatline.campaign.config.base import (
    Block,
    FromList,
    KeyProblem,
    describe,
    percent,
    percent_range,
)

Kind = Literal["shared-slurries", "random", "saltelli", "recipes"]

LIMITS = {
    "active_material": (50.0, 99.5),
    "solid_content": (20.0, 90.0),
    "compression_rate": (0.0, 60.0),
}
"""Sensible limits of each input, %."""

ALLOWED = {
    "shared-slurries": ("slurries", "compressions"),
    "random": ("slurries", "samples"),
    "saltelli": ("samples", "second_order"),
    "recipes": ("recipes", "replicates"),
}
"""Keys that each kind of design takes beside its three ranges."""

OPTIONAL = ("second_order", "replicates")
"""Those of them that may be left out."""


class Recipe(Block):
    """One electrode of the user's own."""

    active_material: percent("active_material", *LIMITS["active_material"]) = describe(
        "active material / solids, by mass", example=94, unit="%"
    )
    solid_content: percent("solid_content", *LIMITS["solid_content"]) = describe(
        "solids / slurry, by mass", example=60, unit="%"
    )
    compression_rate: percent("compression_rate", *LIMITS["compression_rate"]) = describe(
        "1 - lowest height of the plane / thickness of the dried film; 0 is not calendered",
        example=25,
        unit="%",
    )


class Design(Block):
    """Design of experiments over the three manufacturing parameters."""

    kind: Kind = describe(
        "shared-slurries: every slurry gets its own compressions, all quasi-random; "
        "random: compressions dealt randomly to a few slurries (Duquesnoy et al., section 1.1); "
        "saltelli: intact Saltelli blocks for Sobol indices; "
        "recipes: your own",
        "shared-slurries",
        example="shared-slurries",
    )
    slurries: int | None = describe(
        "number of slurries (kinds shared-slurries and random)",
        None,
        example=29,
        unit="slurries",
        ge=1,
        le=100_000,
    )
    compressions: int | None = describe(
        "number of compressions of each slurry (kind shared-slurries)",
        None,
        example=6,
        unit="compressions",
        ge=1,
        le=1000,
    )
    samples: int | None = describe(
        "kind random: number of electrodes; kind saltelli: number of base points N, which makes "
        "8 N electrodes (5 N with second_order: false)",
        None,
        example=174,
        unit="samples",
        ge=1,
        le=1_000_000,
    )
    second_order: bool | None = describe(
        "kind saltelli: whole blocks of 2D+2 electrodes, which second-order indices need (true, "
        "the default), or of D+2",
        None,
        example=True,
    )
    recipes: Annotated[tuple[Recipe, ...] | None, FromList] = describe(
        "kind recipes: list of recipes, or path of a CSV file with the columns active_material, "
        "solid_content, compression_rate",
        None,
        example="recipes.csv",
    )
    replicates: int | None = describe(
        "kind recipes: electrodes of each recipe, each from a slurry of its own with another seed",
        None,
        example=5,
        unit="replicates",
        ge=1,
        le=1000,
    )
    active_material: percent_range("active_material", *LIMITS["active_material"]) = describe(
        "range of active material / solids, by mass; 50 to 99.5",
        (85.0, 97.0),
        example=[85, 97],
        unit="%",
    )
    solid_content: percent_range("solid_content", *LIMITS["solid_content"]) = describe(
        "range of solids / slurry, by mass; 20 to 90", (55.0, 72.0), example=[55, 72], unit="%"
    )
    compression_rate: percent_range("compression_rate", *LIMITS["compression_rate"]) = describe(
        "range of 1 - lowest height of the plane / thickness of the dried film; 0 to 60",
        (2.0, 37.0),
        example=[2, 37],
        unit="%",
    )

    @model_validator(mode="after")
    def _check_kind(self) -> "Design":
        for key in dict.fromkeys(key for keys in ALLOWED.values() for key in keys):
            given = getattr(self, key) is not None
            if given and key not in ALLOWED[self.kind]:
                others = " and ".join(kind for kind, keys in ALLOWED.items() if key in keys)
                raise KeyProblem(
                    f"belongs to kind {others}, this design is {self.kind}; leave it out", key=key
                )
            if not given and key in ALLOWED[self.kind] and key not in OPTIONAL:
                raise KeyProblem(f"is missing; kind {self.kind} needs it", key=key)
        self._check_numbers()
        return self

    def _check_numbers(self) -> None:
        if self.kind == "recipes":
            given = self.model_fields_set & set(LIMITS)
            if given:
                raise KeyProblem(
                    "is a range and not used by kind recipes; leave it out", min(given)
                )
            _check_recipes(self.recipes or ())
            return
        if self.kind == "random" and (self.samples or 0) < (self.slurries or 0):
            raise KeyProblem(
                f"is less than one sample for each of the {self.slurries} slurries; give at least "
                f"{self.slurries}",
                key="samples",
            )
        spread = set(LIMITS) if self.kind == "saltelli" else set()
        if self.kind == "random" or (self.compressions or 1) > 1:
            spread.add("compression_rate")
        for key in LIMITS:
            lower, upper = getattr(self, key)
            if key in spread and upper - lower < 0.1:
                raise KeyProblem(
                    f"leaves nothing to vary; kind {self.kind} needs a range of 0.1 % or more", key
                )


def _check_recipes(recipes: tuple[Recipe, ...]) -> None:
    if not recipes:
        raise KeyProblem("is empty; give at least one recipe", key="recipes")
    seen: dict[tuple[float, ...], int] = {}
    for index, recipe in enumerate(recipes):
        values = (recipe.active_material, recipe.solid_content, recipe.compression_rate)
        first = seen.setdefault(tuple(round(value, 4) for value in values), index)
        if first != index:
            raise KeyProblem(
                f"repeats recipe {first + 1} of the list; for more electrodes of each recipe give "
                "design.replicates",
                key=f"recipes[{index}]",
            )


def find_upper_compression(design: Design) -> float:
    """Find the compression rate that every slurry is pressed to.

    Args:
        design: the design block.

    Returns:
        The top of the range; or the largest compression rate of the recipes, rounded up to a
        multiple of 10, so that most recipes that are added later find their slurry pressed, %.
    """
    if design.recipes:
        largest = max(recipe.compression_rate for recipe in design.recipes)
        return min(60.0, max(10.0, 10.0 * math.ceil(largest / 10)))
    return design.compression_rate[1]


def list_arguments(design: Design) -> dict[str, Any]:
    """List the arguments of `coatline.design.table.make_design`, but for seed and cache.

    Args:
        design: the design block.
    """
    values: dict[str, Any] = {key: getattr(design, key) for key in ("kind", *ALLOWED[design.kind])}
    if design.recipes is not None:
        values["recipes"] = [
            tuple(getattr(recipe, key) for key in LIMITS) for recipe in design.recipes
        ]
        return values
    return values | {key: getattr(design, key) for key in LIMITS}
