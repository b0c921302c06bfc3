"""Published data beside simulated electrodes, and whether the project's targets are met."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scipy.stats import t

from coatline.report.films import Film, Spread, average, compressions_of, group, select, spread_of
from coatline.report.published import Datum, Published

OVER = {"compression_rate": "compression_rate", "porosity": "porosity", "pressure": "pressure"}
UNCALENDERED = 0.0
BEYOND = 0.03
"""How far in porosity a film's line is continued: as far as dried films of one recipe scatter."""


@dataclass(frozen=True)
class Row:
    """One published value beside ours.

    Attributes:
        at: value of what the datum is a function of; None for a slurry.
        published: the value.
        spread: as published, or None.
        ours: over films of the same recipe.
        why: why there is no value of ours, or what it is if not quite the same.
    """

    at: float | None
    published: float
    spread: float | None
    ours: Spread
    why: str = ""

    @property
    def difference(self) -> float:
        """Ours - published."""
        return self.ours.mean - self.published

    @property
    def ratio(self) -> float:
        """Ours / published."""
        return self.ours.mean / self.published


def compare(datum: Datum, films: Sequence[Film], *, after_release: bool = False) -> list[Row]:
    """Set each value of a datum beside ours.

    Where a datum does not say how its compression was taken, it is read as ours: at the gap.

    Args:
        datum: the published values.
        films: of all recipes.
        after_release: read compressions that are not said to be at the gap as after release.

    Returns:
        One row per value. Ours is the mean over the films of the recipe, each linear between its
        electrodes, and over porosity `BEYOND` them; no value where no film reaches so far.
    """
    own = select(films, datum.recipe.active_material, datum.recipe.solid_content)
    places = datum.at or [None]
    spreads = datum.spread or [None] * len(places)
    rows = []
    for at, value, spread in zip(places, datum.values, spreads, strict=True):
        if not own:
            none = f"no film of {datum.recipe} was made"
            rows.append(Row(at, value, spread, spread_of([]), none))
            continue
        ours, why = _find_ours(datum, own, at, after_release)
        if not ours.count:
            why = why or "outside of what was made"
        elif ours.count < len(own) and not why:
            why = f"{ours.count} of {len(own)} films reach it"
        rows.append(Row(at, value, spread, ours, why))
    return rows


def _find_ours(
    datum: Datum, films: Sequence[Film], at: float | None, after_release: bool
) -> tuple[Spread, str]:
    if datum.over is None:
        return spread_of(film.scalars[datum.property] for film in films), ""
    if datum.over == "gap" and at != datum.at[datum.values.index(min(datum.values))]:
        return spread_of([]), "a gap between rolls is no compression"
    if datum.over in ("gap", "floor"):
        top = max(compressions_of(films), default=math.nan)
        return average(films, datum.property, "compression_rate", top), f"ours at {top:g} %"
    if datum.over in ("compression_rate", "pressure") and at == 0:
        over, at = "compression_rate", UNCALENDERED
    elif datum.over == "compression_rate" and (
        datum.compression == "after-release" or (after_release and datum.compression == "unstated")
    ):
        over = "compression_after"
    else:
        over = OVER[datum.over]
    name = "porosity_without_nanopores" if datum.porosity == "without-nanopores" else datum.property
    if datum.property != "porosity":
        name = datum.property
    beyond = BEYOND if over == "porosity" else 0.0
    values = [film.look_up(name, over, at, beyond) for film in films]
    if datum.relative:
        first = [film.look_up(name, over, datum.at[0], beyond) for film in films]
        values = [value / start for value, start in zip(values, first, strict=True)]
    return spread_of(values), ""


@dataclass(frozen=True)
class Target:
    """One bound on the electrodes and how they do.

    Attributes:
        rank: place in the order of priority, as 1a; 0 comes before all.
        text: what is asked for.
        bound: in words.
        ours: in words; what was not run where it was not.
        met: None where nothing can be said, or not of all values.
    """

    rank: str
    text: str
    bound: str
    ours: str
    met: bool | None

    @property
    def fitted(self) -> str:
        """Whether parameters were set on its data: yes, seen or no."""
        return FITTED[self.rank if self.rank in FITTED else self.rank[0]]

    @property
    def verdict(self) -> str:
        """Met, not met or open."""
        return {True: "met", False: "**not met**", None: "open"}[self.met]


NOT_RUN = "not run: no electrodes for it"
FITTED = {"0": "no", "1a": "yes", "1b": "yes", "1c": "seen", "2": "seen", "3": "yes", "4": "yes",
          "5": "seen", "6a": "yes", "6b": "no", "6c": "no", "6d": "no", "6e": "seen", "7": "yes",
          "8": "yes"}  # fmt: skip
"""Whether parameters of the default force field were set on the data of a target, by its rank or
the figure of its rank. Seen: the data lay on the table while others were fitted."""


def judge(films: Sequence[Film], published: Published) -> list[Target]:
    """Judge electrodes by the targets of the project, in their order of priority.

    The data disagree among themselves, so the order counts: dried porosity and the shape of the
    calendering curve first, levels after.

    Args:
        films: of all recipes.
        published: what they are compared with.
    """
    return [
        _judge_slurry_density(films),
        *(_judge_dried(films, published[name]) for name in ("dried-90", "dried-94")),
        _judge_order(films),
        *(_judge_shape(films, published[f"curve-96-{kind}"]) for kind in ("simulated", "measured")),
        _judge_range("3", "dried porosity of 96/69, total", _dried(films, 96, 69), 0.42, 0.475),
        *_judge_spring_back(films),
        _judge_range("5", "lowest total porosity of 96/69", _floor(films), 0.20, 0.28),
        *(
            _judge_factor(rank, films, published[name], 2.0)
            for rank, name in (("6a", "conductivity-90"), ("6b", "conductivity-optimum"))
        ),
        _judge_share("6c", films, published["tortuosity-96"], 0.15),
        _judge_share("6d", films, published["tortuosity-tomography"], 0.15),
        _judge_share("6e", films, published["active-area-96"], 0.10),
        _judge_solid_content("7a", films, 94, 55, 70),
        _judge_solid_content("7b", films, 90, 55, 65),
        _judge_pressure(films, published["pressure-96"]),
    ]


def _dried(films: Sequence[Film], active_material: float, solid_content: float) -> Spread:
    own = select(films, active_material, solid_content)
    return average(own, "porosity", "compression_rate", UNCALENDERED)


def _floor(films: Sequence[Film]) -> Spread:
    own = select(films, 96, 69)
    top = max(compressions_of(own), default=0)
    return average(own, "porosity", "compression_rate", top) if top >= 30 else spread_of([])


def _judge_slurry_density(films: Sequence[Film]) -> Target:
    pairs = [(f.scalars["density_slurry"], f.scalars["density_slurry_additive"]) for f in films]
    off = [ours / law - 1 for ours, law in pairs if math.isfinite(ours / law)]
    text, bound = "slurry density against the law of additive volumes, all recipes", "within 3 %"
    if not off:
        return Target("0", text, bound, NOT_RUN, None)
    recipes = [film.recipe for film in films]
    box = " and ".join(
        f"{name} {min(v):g} to {max(v):g} %" for name, v in zip(("AM", "SC"), zip(*recipes))
    )
    ours = f"{100 * min(off):+.1f} to {100 * max(off):+.1f} % ({len(off)} slurries, {box})"
    return Target("0", text, bound, ours, max(abs(one) for one in off) <= 0.03)


def _judge_dried(films: Sequence[Film], datum: Datum) -> Target:
    rank = {"dried-90": "1a", "dried-94": "1b"}[datum.name]
    (row,) = compare(datum, films)
    text, bound = f"dried porosity of {datum.recipe}, total", f"{datum.values[0]:.3f} ± 0.03"
    if not row.ours.count:
        return Target(rank, text, bound, NOT_RUN, None)
    return Target(rank, text, bound, format_spread(row.ours, 3), abs(row.difference) <= 0.03)


def _judge_order(films: Sequence[Film]) -> Target:
    text, bound = "dried porosity falls with the share of active material", "90/55 > 94/60 > 96/69"
    means = [_dried(films, *recipe).mean for recipe in ((90, 55), (94, 60), (96, 69))]
    if not all(map(math.isfinite, means)):
        return Target("1c", text, bound, NOT_RUN, None)
    ours = " > ".join(f"{mean:.3f}" for mean in means)
    falling = means[0] > means[1] > means[2]
    return Target("1c", text, bound, ours if falling else ours.replace(" > ", ", "), falling)


def _judge_shape(films: Sequence[Film], datum: Datum) -> Target:
    """(1 - porosity) / (1 - dried porosity), ours and theirs each over its own start."""
    rank = {"curve-96-simulated": "2a", "curve-96-measured": "2b"}[datum.name]
    text = f"shape (1 − ε)/(1 − ε₀) of {datum.name}"
    bound = "within 3 % at each CR"
    own = select(films, datum.recipe.active_material, datum.recipe.solid_content)
    off = []
    for over in ("compression_rate", "compression_after"):
        pairs = [
            (at, average(own, "shape", over, at).mean * (1 - datum.values[0]) / (1 - value) - 1)
            for at, value in zip(datum.at[1:], datum.values[1:], strict=True)
        ]
        off.append([(at, one) for at, one in pairs if math.isfinite(one)])
    if len(off[0]) < len(datum.at) - 1:
        return Target(rank, text, bound, NOT_RUN, None)
    at, worst = max(off[0], key=lambda pair: abs(pair[1]))
    other = max((abs(one) for _, one in off[1]), default=math.nan)
    more = f"; up to {100 * other:.1f} % if CR is after release" if math.isfinite(other) else ""
    ours = f"worst {100 * worst:+.1f} % at CR {at:g} %{more}"
    return Target(rank, text, bound, ours, abs(worst) <= 0.03)


def _judge_range(rank: str, text: str, ours: Spread, low: float, high: float) -> Target:
    bound = f"{low:.3f} to {high:.3f}"
    if not ours.count:
        return Target(rank, text, bound, NOT_RUN, None)
    return Target(rank, text, bound, format_spread(ours, 3), low <= ours.mean <= high)


def _judge_spring_back(films: Sequence[Film]) -> list[Target]:
    """For each film that was pressed at least twice; the means over its seeds count.

    The film of 96/69 is judged by the compressed thickness too, which the published bounds go by.
    """
    targets = [
        target
        for recipe, own in group(films).items()
        for name, measure in (
            ("spring_back", "% of the compression"),
            ("recovery", "% of the compressed thickness"),
        )
        if name == "spring_back" or recipe == (96, 69)
        if (target := _judge_recovery(recipe, own, name, measure))
    ]
    bound = "0.3 to 18, rising"
    if not targets:
        return [Target("4", "spring-back, % of the compression", bound, NOT_RUN, None)]
    return [
        Target("4" + chr(ord("a") + index), text, bound, ours, met)
        for index, (text, ours, met) in enumerate(targets)
    ]


def _judge_recovery(
    recipe: tuple[float, float], films: Sequence[Film], name: str, measure: str
) -> tuple[str, str, bool | None] | None:
    """Text, outcome and verdict for one recipe; none where it was pressed less than twice.

    Open where a mean falls by less than the 95 % interval of the difference over the same films.
    """
    rates = [rate for rate in compressions_of(films) if rate > 0]
    means = [average(films, name, "compression_rate", rate).mean for rate in rates]
    found = [(rate, mean) for rate, mean in zip(rates, means) if math.isfinite(mean)]
    if len(found) < 2:
        return None
    words = [] if all(0.003 <= mean <= 0.18 for _, mean in found) else ["out of bounds"]
    met: bool | None = not words
    for (low, before), (high, after) in pairwise(found):
        if after > before:
            continue
        step = spread_of(
            film.look_up(name, "compression_rate", high)
            - film.look_up(name, "compression_rate", low)
            for film in films
        )
        noise = abs(step.mean) < step.interval  # False where there is no interval
        words.append(
            f"falls to {high:g} by {-100 * step.mean:.1f} ± {100 * step.interval:.1f}"
            + (", within noise" if noise else "")
        )
        met = None if noise and met is not False else False
    ours = ", ".join(f"{100 * mean:.1f} at {rate:g}" for rate, mean in found)
    text = f"spring-back of {recipe[0]:g}/{recipe[1]:g}, {measure}, over CR"
    return text, f"{ours}{': ' if words else ''}{'; '.join(words)}", met


def _judge_rows(
    rank: str,
    text: str,
    bound: str,
    rows: Sequence[Row],
    form: Callable[[Row], str],
    fits: Callable[[Row], bool],
) -> Target:
    """A target on each value of a datum; those that no film of ours reaches leave it open."""
    if all(row.why.startswith("no film") for row in rows):
        return Target(rank, text, bound, NOT_RUN, None)
    there = [row for row in rows if row.ours.count]
    beyond = [f"{row.at:g}" for row in rows if not row.ours.count]
    words = [form(row) for row in there]
    words += [f"not reached: {', '.join(beyond)}"] if beyond else []
    met = all(fits(row) for row in there)
    return Target(rank, text, bound, "; ".join(words), None if met and beyond else met)


def _judge_factor(rank: str, films: Sequence[Film], datum: Datum, factor: float) -> Target:
    return _judge_rows(
        rank,
        f"effective electronic conductivity of {datum.recipe}",
        f"within a factor {factor:g}",
        compare(datum, films),
        lambda row: f"×{row.ratio:.2g} at CR {row.at:g} %",
        lambda row: 1 / factor <= row.ratio <= factor,
    )


def _judge_share(rank: str, films: Sequence[Film], datum: Datum, share: float) -> Target:
    names = {"tortuosity_factor": "tortuosity factor", "active_surface_area": "active area"}
    relative = ", over that of the first film" if datum.relative else ""
    rows = compare(datum, films)
    return _judge_rows(
        rank,
        f"{names[datum.property]} of 96 % at equal porosity{relative} ({datum.name})",
        f"within {100 * share:g} %",
        rows[1:] if datum.relative else rows,
        lambda row: f"{100 * (row.ratio - 1):+.0f} % at ε {row.at:g}",
        lambda row: abs(row.ratio - 1) <= share,
    )


def _judge_solid_content(
    rank: str, films: Sequence[Film], active_material: float, low: float, high: float
) -> Target:
    text = f"solid content {low:g} → {high:g} % at {active_material:g} % active material"
    bound = "dries denser, beyond the 95 % interval of the difference"
    first, second = (_dried(films, active_material, content) for content in (low, high))
    if min(first.count, second.count) < 2:
        return Target(rank, text, bound, NOT_RUN, None)
    shift, error = second.mean - first.mean, math.hypot(first.error, second.error)
    # Welch's test: as many degrees of freedom as the two variances leave.
    parts = [(one.error**4, one.count - 1) for one in (first, second)]
    freedom = error**4 / sum(part / count for part, count in parts)
    interval = error * float(t.ppf(0.975, freedom))
    ours = f"porosity {100 * shift:+.2f} ± {100 * interval:.2f} points"
    return Target(rank, text, bound, ours, shift < -interval)


def compare_pressure(datum: Datum, films: Sequence[Film]) -> list[Row]:
    """Pressures that bring films to the published porosities after release, MPa.

    Args:
        datum: porosity over pressure.
        films: of all recipes.

    Returns:
        One row per pressure above 0, `at` being the porosity; ours is the geometric mean.
    """
    own = select(films, datum.recipe.active_material, datum.recipe.solid_content)
    rows = []
    for pressure, porosity in zip(datum.at, datum.values, strict=True):
        if pressure == 0:
            continue
        logs = spread_of(
            math.log(value) if math.isfinite(value) else math.nan
            for value in (film.look_up("pressure", "porosity", porosity) for film in own)
        )
        mean = math.exp(logs.mean) if logs.count else math.nan
        why = "" if logs.count else "outside of what was made" if own else "no film was made"
        rows.append(Row(porosity, pressure, None, Spread(mean, mean * logs.sd, logs.count), why))
    return rows


def _judge_pressure(films: Sequence[Film], datum: Datum) -> Target:
    return _judge_rows(
        "8",
        "calendering pressure of 96 % at equal porosity after release, a stretch",
        "within a factor 2",
        compare_pressure(datum, films),
        lambda row: f"×{row.ratio:.2g} at ε {row.at:g} ({row.published:g} MPa)",
        lambda row: 0.5 <= row.ratio <= 2,
    )


def format_spread(spread: Spread, decimals: int) -> str:
    """Mean ± standard deviation (films); a dash where there is none."""
    if not spread.count:
        return "–"
    text = f"{spread.mean:.{decimals}f}"
    if spread.count > 1:
        text += f" ± {spread.sd:.{decimals}f}"
    return f"{text} ({spread.count})"
