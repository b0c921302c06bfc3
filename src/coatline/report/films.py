"""The films of a campaign as gathered: each slurry's electrodes and its calendering curve."""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import t

from coatline.errors import InputError
from coatline.measure.curves import Curves, read_curves
from coatline.measure.dataset import Table, read_table

SAME = 0.05
"""Recipes closer than this are the same, %."""


@dataclass(frozen=True)
class Spread:
    """Mean and spread over films that differ by their seeds.

    Attributes:
        mean: NaN where there is none.
        sd: standard deviation of one film (n - 1); NaN for fewer than two.
        count: films that have the value.
    """

    mean: float
    sd: float
    count: int

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.sd / math.sqrt(self.count) if self.count > 1 else math.nan

    @property
    def interval(self) -> float:
        """Half of the 95 % confidence interval of the mean, by Student's t."""
        return self.error * float(t.ppf(0.975, self.count - 1)) if self.count > 1 else math.nan


def spread_of(values: Iterable[float]) -> Spread:
    """Mean and spread of those values that are finite."""
    found = [float(value) for value in values if math.isfinite(value)]
    if not found:
        return Spread(math.nan, math.nan, 0)
    sd = float(np.std(found, ddof=1)) if len(found) > 1 else math.nan
    return Spread(float(np.mean(found)), sd, len(found))


@dataclass(frozen=True)
class Film:
    """One slurry, the film dried from it, and the electrodes calendered from that.

    Attributes:
        slurry: id.
        active_material, solid_content: %.
        electrodes: (k,) per variable of the dataset, electrodes without failure in the order of
            their compression, and what follows from them: `compression_after` (1 - thickness /
            dried thickness, %), `recovery` (thickness recovered / lowest height), `pressure` (MPa)
            and `shape` ((1 - porosity) / (1 - porosity of the dried film), where that was made).
        curve: (m,) `compression` (%), `pressure` (MPa) and `porosity` under load.
        scalars: of the slurry and the film, named as in the records, and `porosity_dried`, which
            is 1 - volume of solids / (area x dried thickness).
        seconds: wall time per stage; that of `calender` and `measure` is the mean of an electrode.
    """

    slurry: str
    active_material: float
    solid_content: float
    electrodes: dict[str, np.ndarray]
    curve: dict[str, np.ndarray]
    scalars: dict[str, float]
    seconds: dict[str, float]

    @property
    def recipe(self) -> tuple[float, float]:
        """Active material and solid content, %."""
        return self.active_material, self.solid_content

    def look_up(self, name: str, over: str, at: float, beyond: float = 0.0) -> float:
        """A property of the film's electrodes, linear between those that were made.

        Args:
            name: of the property.
            over: what it is looked up by; `pressure` goes by its logarithm.
            at: the value of `over`.
            beyond: how far outside of what was made the line is continued.

        Returns:
            NaN further outside.
        """
        none = np.full(len(self.electrodes["compression_rate"]), np.nan)
        y, x = self.electrodes.get(name, none), self.electrodes.get(over, none)
        if over == "pressure":
            x, at = np.log(x), math.log(at)
        if name == "pressure":
            y = np.log(y)
        there = np.isfinite(x) & np.isfinite(y)
        if not there.any():
            return math.nan
        order = np.argsort(x[there], kind="stable")
        x, y = x[there][order], y[there][order]
        if not x[0] - beyond - 1e-6 <= at <= x[-1] + beyond + 1e-6:
            return math.nan
        value = float(np.interp(at, x, y))
        if len(x) > 1 and not x[0] <= at <= x[-1]:
            a, b = (0, 1) if at < x[0] else (-2, -1)
            value = float(y[a] + (at - x[a]) * (y[b] - y[a]) / (x[b] - x[a]))
        return math.exp(value) if name == "pressure" else value


@dataclass(frozen=True)
class Campaign:
    """What was gathered of a campaign.

    Attributes:
        name: of its folder.
        films: in the order of the design.
        samples: number of electrodes asked for.
        causes: why electrodes failed, one per failure.
    """

    name: str
    films: list[Film]
    samples: int
    causes: list[str]


def read_campaign(folder: Path) -> Campaign | None:
    """Read a campaign's gathered files.

    Args:
        folder: results/<campaign>, with `dataset.nc`, `calendering_curves.nc` and
            `provenance.json`; without the last one no times are known.

    Returns:
        None where the campaign was not run to its end.

    Raises:
        InputError: a file cannot be read.
    """
    folder = Path(folder)
    dataset, curves = folder / "dataset.nc", folder / "calendering_curves.nc"
    if not dataset.exists() or not curves.exists():
        return None
    provenance = folder / "provenance.json"
    made = json.loads(provenance.read_text(encoding="utf-8")) if provenance.exists() else {}
    return assemble_campaign(folder.name, read_table(dataset), read_curves(curves), made)


def assemble_campaign(
    name: str, table: Table, curves: Curves, made: dict | None = None
) -> Campaign:
    """Put a campaign's table, curves and times together, film by film.

    Args:
        name: of the campaign.
        table: its dataset.
        curves: its calendering curves.
        made: its provenance.

    Raises:
        InputError: the two files are not of the same campaign.
    """
    slurries = [sample.partition("c")[0] for sample in table.sample]
    unknown = sorted(set(slurries) - set(curves.slurry))
    if unknown:
        raise InputError(f"{name}: slurry {unknown[0]} has electrodes but no calendering curve")
    films = []
    for index, slurry in enumerate(curves.slurry):
        mine = [i for i, one in enumerate(slurries) if one == slurry and table.status[i] == "ok"]
        mine.sort(key=lambda i: table.values["compression_rate"][i])
        electrodes = {key: values[mine] for key, values in table.values.items()}
        curve = {"compression": curves.compression} | {
            key: values[index] for key, values in curves.curves.items()
        }
        curve["pressure"] = curve["pressure"] / 1000
        scalars = {key: float(values[index]) for key, values in curves.scalars.items()}
        scalars["porosity_dried"] = float(curve["porosity"][0])
        films.append(
            Film(
                slurry,
                float(curves.active_material[index]),
                float(curves.solid_content[index]),
                electrodes | _derive(electrodes),
                curve,
                scalars,
                _sum_seconds(made or {}, slurry),
            )
        )
    causes = [c for c, s in zip(table.cause, table.status, strict=True) if s != "ok"]
    return Campaign(name, films, len(table.sample), causes)


def _derive(electrodes: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What follows from the dataset's variables; see `Film`."""
    none = np.full(len(electrodes["compression_rate"]), np.nan)
    names = ("thickness", "thickness_dried", "thickness_lowest", "porosity", "pressure_peak")
    after, dried, lowest, porosity, peak = (electrodes.get(name, none) for name in names)
    uncalendered = np.flatnonzero(electrodes["compression_rate"] < SAME)
    start = porosity[uncalendered[0]] if len(uncalendered) else math.nan
    return {
        "compression_after": 100 * (1 - after / dried),
        "recovery": (after - lowest) / lowest,
        "pressure": peak / 1000,
        "shape": (1 - porosity) / (1 - start),
    }


def _sum_seconds(made: dict, slurry: str) -> dict[str, float]:
    """Wall time of each stage of a film, s."""
    runs = made.get("slurries", {}).get(slurry, {})
    found = {stage: float(run["seconds"]) for stage, run in runs.items()}
    own = [run for key, run in made.get("samples", {}).items() if key.partition("c")[0] == slurry]
    for stage in ("calender", "measure"):
        times = [run[stage]["seconds"] for run in own if stage in run]
        if times:
            found[stage] = float(np.mean(times))
    return found


def select(
    films: Iterable[Film], active_material: float, solid_content: float | None = None
) -> list[Film]:
    """The films of one recipe; of any solid content where none is given."""
    return [
        film
        for film in films
        if abs(film.active_material - active_material) < SAME
        and (solid_content is None or abs(film.solid_content - solid_content) < SAME)
    ]


def group(films: Iterable[Film]) -> dict[tuple[float, float], list[Film]]:
    """Films by recipe, those with most active material first."""
    found: dict[tuple[float, float], list[Film]] = {}
    for film in films:
        found.setdefault(film.recipe, []).append(film)
    return dict(sorted(found.items(), reverse=True))


def compressions_of(films: Sequence[Film]) -> list[float]:
    """All compression rates that electrodes of these films were made at, %."""
    rates = {round(float(r), 4) for film in films for r in film.electrodes["compression_rate"]}
    return sorted(rates)


def average(films: Iterable[Film], name: str, over: str, at: float) -> Spread:
    """Mean and spread over films of a property at one value of another; see `Film.look_up`."""
    return spread_of(film.look_up(name, over, at) for film in films)
