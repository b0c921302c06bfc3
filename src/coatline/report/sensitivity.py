"""What shifts when a numerical choice changes, and what tells contact laws apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from coatline.report.films import Campaign, Film, Spread, average, select, spread_of

PROPERTIES = {
    "porosity_dried": ("dried porosity", 100, "points"),
    "porosity": ("porosity", 100, "points"),
    "tortuosity_factor": ("tortuosity factor", 1, ""),
    "effective_electronic_conductivity": ("conductivity", 1, "S/m"),
    "active_surface_area": ("active surface", 1, "points"),
    "spring_back": ("spring-back", 100, "% of compression"),
    "pressure": ("pressure", 1, "MPa"),
}
"""Properties that are watched: name, factor and unit in tables."""


@dataclass(frozen=True)
class Shift:
    """How far a property moves with a change, against its spread from seed to seed.

    Attributes:
        base: of the unchanged films, all seeds.
        mean: changed - unchanged, mean over the seeds that both have.
        error: standard error of that mean.
        interval: half of its 95 % confidence interval.
        count: seeds that both have.
    """

    base: Spread
    mean: float
    error: float
    interval: float
    count: int

    @property
    def within(self) -> bool | None:
        """Whether the shift is less than the seed-to-seed spread.

        None where that is not known: too few seeds, or a shift beyond the spread whose confidence
        interval holds 0, as films with other particles differ by chance.
        """
        if not math.isfinite(self.mean) or not math.isfinite(self.base.sd):
            return None
        if abs(self.mean) <= self.base.sd:
            return True
        return False if abs(self.mean) > self.interval else None


def value_of(film: Film, name: str, compression_rate: float) -> float:
    """A watched property of a film at one compression; NaN where it was not made."""
    if name == "porosity_dried":
        return film.scalars[name]
    return film.look_up(name, "compression_rate", compression_rate)


def measure_shift(
    changed: Sequence[Film], base: Sequence[Film], name: str, compression_rate: float
) -> Shift:
    """Measure how far a property moves; films of one id started from the same seed.

    Args:
        changed: films of one recipe, made or measured in another way.
        base: films of the same recipe, unchanged.
        name: of the property, in `PROPERTIES`.
        compression_rate: of the electrodes, %.
    """
    before = {film.slurry: value_of(film, name, compression_rate) for film in base}
    pairs = [
        value_of(film, name, compression_rate) - before[film.slurry]
        for film in changed
        if film.slurry in before
    ]
    found = spread_of(pairs)
    base = spread_of(before.values())
    return Shift(base, found.mean, found.error, found.interval, found.count)


@dataclass(frozen=True)
class Law:
    """What a contact law does to one recipe.

    Attributes:
        samples: electrodes asked for, in all recipes.
        failed: those of them that failed.
        spring_back: share of the compression, by compression rate, %.
        porosity: after release, by compression rate; 0 is the dried film.
        pressure: under load, MPa, by compression, %.
        overlap: mean overlap at the highest compression, %.
        seconds: to make one electrode: its share of slurry, drying and pressing, and calendering.
    """

    samples: int
    failed: int
    spring_back: dict[float, Spread]
    porosity: dict[float, Spread]
    pressure: dict[float, Spread]
    overlap: Spread
    seconds: float


def describe_law(
    campaigns: Sequence[Campaign], recipe: tuple[float, float], rates: Sequence[float]
) -> Law | None:
    """Describe films of one recipe made under one contact law.

    Args:
        campaigns: made under this law.
        recipe: active material and solid content, %.
        rates: compression rates above 0 to look at, %.

    Returns:
        None where there are no such films. Time is that of one film taken once to each rate.
    """
    films = [film for campaign in campaigns for film in select(campaign.films, *recipe)]
    if not films:
        return None
    times = [
        (sum(f.seconds.get(stage, math.nan) for stage in ("slurry", "dry", "press")) / len(rates))
        + f.seconds.get("calender", math.nan)
        for f in films
    ]
    return Law(
        samples=sum(campaign.samples for campaign in campaigns),
        failed=sum(len(campaign.causes) for campaign in campaigns),
        spring_back={r: average(films, "spring_back", "compression_rate", r) for r in rates},
        porosity={r: average(films, "porosity", "compression_rate", r) for r in (0.0, *rates)},
        pressure={r: spread_of(_pressure_at(film.curve, r) for film in films) for r in rates},
        overlap=average(films, "mean_overlap", "compression_rate", max(rates)),
        seconds=spread_of(times).mean,
    )


def _pressure_at(curve: Mapping, compression: float) -> float:
    """Pressure under load at a compression, MPa: geometric between the points of the curve."""
    pressure = np.where(curve["pressure"] > 0, curve["pressure"], np.nan)
    logs = np.interp(compression, curve["compression"], np.log(pressure), right=np.nan)
    return float(np.exp(logs))
