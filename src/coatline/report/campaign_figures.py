"""Figures of the electrodes of a campaign: calendering, depth profiles, failures and cost."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from coatline.measure.dataset import PHASES, Table
from coatline.report.drawing import Drawing, draw_note, letter_axes
from coatline.report.films import Campaign, Film
from coatline.report.published import Published
from coatline.report.style import COLOURS, PAGE, style
from coatline.report.words import count, join_words, write_interval, write_number

STAGES = ("slurry", "dry", "press", "calender", "measure")
"""Stages of an electrode in their order."""

PHASE_NAMES = {"pore": "Pores", "cbd": "CBD", "am": "Active material"}
THIRDS = ("the lowest third", "the middle", "the highest")
HOUR = 3600


def draw_calendering(campaign: Campaign, published: Published | None = None) -> Drawing:
    """Draw the calendering curves and porosity over pressure, a line per film.

    Args:
        campaign: films with their curves.
        published: porosities over pressure to be drawn beside ours.
    """
    films = [film for film in campaign.films if np.isfinite(film.curve["pressure"]).any()]
    if not films:
        return draw_note("No film was pressed: there is no calendering curve.")
    shares = [film.active_material for film in films]
    norm = Normalize(min(shares) - 0.5, max(shares) + 0.5)
    with style():
        figure = Figure(figsize=(PAGE, 3.1), layout="constrained")
        curve, release = figure.subplots(1, 2)
        colours = ScalarMappable(norm, "viridis")
        for film in films:
            line = {"color": colours.to_rgba(film.active_material), "linewidth": 0.8}
            curve.plot(film.curve["compression"], film.curve["pressure"], **line)
            release.plot(film.curve["pressure"], film.curve["porosity"], **line, alpha=0.35)
            if len(film.electrodes["compression_rate"]):
                release.plot(
                    film.electrodes["pressure"],
                    film.electrodes["porosity"],
                    "o",
                    color=line["color"],
                    markersize=3,
                )
        data = [
            one
            for one in (published.data if published else ())
            if one.over == "pressure" and one.property == "porosity" and not one.relative
        ]
        for datum, mark in zip(data, "sD^v<>"):
            release.plot(
                datum.at[1:],
                datum.values[1:],
                mark,
                color="black",
                markerfacecolor="white",
                label=published.label(datum),
            )
        curve.set(yscale="log", xlabel="Compression (%)", ylabel="Pressure under load (MPa)")
        release.set(xscale="log", xlabel="Pressure (MPa)", ylabel="Porosity, total")
        if data:
            release.legend(fontsize=7, handletextpad=0.1)
        figure.colorbar(colours, ax=[curve, release], label="Active material (%)", pad=0.01)
        letter_axes([curve, release])
    cited = published.cite(data) if published and data else ""
    return Drawing(figure, _describe_calendering(films, cited))


def _describe_calendering(films: Sequence[Film], cited: str) -> str:
    most = [float(np.nanmax(film.curve["pressure"])) for film in films]
    start = [film.scalars["porosity_dried"] for film in films]
    back = np.concatenate([film.electrodes.get("spring_back", np.empty(0)) for film in films])
    back = back[np.isfinite(back)]
    end = np.concatenate([film.electrodes.get("porosity", np.empty(0)) for film in films])
    text = (
        f"Calendering of {count(len(films), 'film')}. (A) Pressure under load over compression; at "
        f"its highest {write_interval(min(most), max(most))} MPa from film to film. (B) Porosity "
        "over pressure: lines under load, points after release over the highest pressure. Dried "
        "films have "
        f"a porosity of {write_interval(min(start), max(start))}"
    )
    if len(end):
        text += f", calendered ones {write_interval(float(np.nanmin(end)), float(np.nanmax(end)))}"
    if len(back):
        low, high = 100 * float(back.min()), 100 * float(back.max())
        text += f"; {write_interval(low, high)} % of the compression comes back"
    return text + (f". Open symbols: published; {cited}." if cited else ".")


def draw_profiles(table: Table) -> Drawing:
    """Draw volume fractions over depth, for three groups of compression.

    Args:
        table: the dataset.
    """
    ok = np.array([one == "ok" for one in table.status]) & np.isfinite(table.profile).all((1, 2))
    if not ok.any():
        return draw_note("No electrode was measured: there are no profiles over depth.")
    profile, rate = table.profile[ok], table.values["compression_rate"][ok]
    order = np.argsort(rate, kind="stable")
    parts = [part for part in np.array_split(order, 3) if len(part)]
    height = (np.arange(profile.shape[2]) + 0.5) / profile.shape[2]
    with style():
        figure = Figure(figsize=(PAGE, 3.2), layout="constrained")
        for index, (axes, phase) in enumerate(
            zip(figure.subplots(1, len(PHASES), sharey=True), PHASES)
        ):
            for part, colour, dash in zip(
                parts, ("blue", "orange", "vermilion"), ("-", "--", "-.")
            ):
                values = 100 * profile[part, index]
                low, high = np.percentile(values, [10, 90], axis=0)
                axes.fill_betweenx(height, low, high, color=COLOURS[colour], alpha=0.18, lw=0)
                label = f"CR {rate[part].min():.0f}–{rate[part].max():.0f} %"
                axes.plot(values.mean(axis=0), height, dash, color=COLOURS[colour], label=label)
            axes.set(xlabel=f"{PHASE_NAMES[phase]} (% of volume)", ylim=(0, 1))
        figure.axes[0].set_ylabel("Height above collector / thickness")
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3)
    half = profile.shape[2] // 2
    binder = profile[:, PHASES.index("cbd")]
    upper, lower = binder[:, half:].mean(), binder[:, :half].mean()
    thirds = "; ".join(
        f"{name} ({rate[part].min():.1f} to {rate[part].max():.1f} %): pores "
        f"{write_number(100 * float(profile[part, 0].mean()))} %"
        for name, part in zip(THIRDS, parts)
    )
    return Drawing(
        figure,
        f"Volume fractions over depth, mean of {count(int(ok.sum()), 'electrode')} in thirds of "
        f"compression rate, bands from the 10th to the 90th percentile: {thirds}. The upper half "
        f"holds {write_number(100 * float(upper))} % of CBD by volume, the lower half "
        f"{write_number(100 * float(lower))} %; fractions of CBD include its nanopores.",
    )


def draw_failures(table: Table) -> Drawing:
    """Draw which electrodes failed, where in the design, and by which cause.

    Args:
        table: the dataset.
    """
    bad = np.array([one != "ok" for one in table.status], dtype=bool)
    causes = Counter(c for c, failed in zip(table.cause, bad, strict=True) if failed)
    names = ["none (ok)", *(name for name, _ in causes.most_common())]
    numbers = [int((~bad).sum()), *(number for _, number in causes.most_common())]
    with style():
        figure = Figure(figsize=(PAGE, max(2.6, 1.4 + 0.3 * len(names))), layout="constrained")
        bars, plane = figure.subplots(1, 2, width_ratios=(1.1, 1))
        colours = [COLOURS["blue"], *[COLOURS["vermilion"]] * (len(names) - 1)]
        drawn = bars.barh(range(len(names)), numbers, color=colours, height=0.6)
        bars.bar_label(drawn, padding=3, fontsize=8)
        bars.set_yticks(range(len(names)), [_shorten(name) for name in names])
        bars.set_ylim(max(len(names), 3) - 0.5, -0.5)
        bars.margins(x=0.15)
        bars.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        bars.grid(axis="y", visible=False)
        bars.set(xlabel="Electrodes", ylabel="Cause of failure")
        rates = table.values["active_material"], table.values["compression_rate"]
        good = [values[~bad] for values in rates]
        plane.plot(*good, "o", color=COLOURS["blue"], markersize=3, label="ok")
        if bad.any():
            plane.plot(
                *(values[bad] for values in rates),
                "X",
                color=COLOURS["vermilion"],
                markersize=7,
                label="failed",
            )
        plane.set(xlabel="Active material (%)", ylabel="Compression rate (%)")
        figure.legend(*plane.get_legend_handles_labels(), loc="outside lower right", ncols=2)
    return Drawing(figure, describe_failures(table))


def describe_failures(table: Table) -> str:
    """Say how many electrodes failed, and why."""
    failed = [(s, c) for s, t, c in zip(table.sample, table.status, table.cause) if t != "ok"]
    total = len(table.sample)
    if not failed:
        return f"None of {count(total, 'electrode')} failed."
    causes = Counter(cause for _, cause in failed)
    listed = join_words(f"{number} by “{cause}”" for cause, number in causes.most_common())
    return (
        f"{len(failed)} of {count(total, 'electrode')} failed "
        f"({write_number(100 * len(failed) / total, 2)} %): {listed}. "
        f"{'They are' if len(failed) > 1 else 'It is'} "
        f"{join_words(sample for sample, _ in failed[:12])}"
        + (f", and {len(failed) - 12} more." if len(failed) > 12 else ".")
    )


def _shorten(text: str, width: int = 34) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def list_seconds(made: Mapping[str, Any], cores: bool = False) -> dict[str, np.ndarray]:
    """List the wall time of every run in a provenance, by stage, s.

    Args:
        made: the provenance.
        cores: count the time of each core that a run had; one where that was not written down.
    """
    found: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for part in ("slurries", "samples"):
        for runs in made.get(part, {}).values():
            for stage, run in runs.items():
                times = int(run.get("cores", 1)) if cores else 1
                took = float(run["seconds"]) + float(run.get("segments_before", 0))
                found.setdefault(stage, []).append(times * took)
    return {stage: np.array(times) for stage, times in found.items() if times}


def draw_cost(made: Mapping[str, Any]) -> Drawing:
    """Draw what a campaign cost: core-hours by stage, and the time of single jobs.

    Args:
        made: `provenance.json` of the campaign.
    """
    seconds = list_seconds(made)
    if not seconds:
        return draw_note("The provenance holds no times: the cost is not known.")
    hours = {s: float(t.sum()) / HOUR for s, t in list_seconds(made, cores=True).items()}
    unit, factor = ("core-hours", 1.0) if sum(hours.values()) >= 1 else ("core-minutes", 60.0)
    with style():
        figure = Figure(figsize=(PAGE, 2.8), layout="constrained")
        total, single = figure.subplots(1, 2)
        places = range(len(seconds))
        drawn = total.barh(places, [factor * v for v in hours.values()], color=COLOURS["blue"])
        total.bar_label(drawn, fmt=lambda v: write_number(v, 2), padding=3, fontsize=8)
        total.margins(x=0.15)
        single.boxplot(
            list(seconds.values()),
            orientation="horizontal",
            positions=places,
            widths=0.5,
            medianprops={"color": COLOURS["vermilion"]},
            flierprops={"markersize": 2.5},
        )
        for axes in (total, single):
            axes.set_yticks(places, list(seconds))
            axes.invert_yaxis()
            axes.grid(axis="y", visible=False)
        total.set(xlabel=f"All jobs ({unit})", ylabel="Stage")
        single.set(xscale="log", xlabel="Wall time of one job (s)")
        single.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        single.xaxis.set_major_formatter("{x:g}")
        single.xaxis.set_minor_formatter(NullFormatter())
        letter_axes([total, single])
    return Drawing(figure, describe_cost(made))


def describe_cost(made: Mapping[str, Any]) -> str:
    """Say what a campaign cost."""
    seconds = list_seconds(made)
    hours = {s: float(t.sum()) / HOUR for s, t in list_seconds(made, cores=True).items()}
    total, electrodes = sum(hours.values()), len(made.get("samples", {}))
    runs = sum(len(times) for times in seconds.values())
    repeated = sum(
        int(run.get("attempt", 1)) > 1
        for part in ("slurries", "samples")
        for own in made.get(part, {}).values()
        for run in own.values()
    )
    largest = max(hours, key=lambda stage: hours[stage])
    text = (
        f"Cost of {count(electrodes, 'electrode')} from "
        f"{count(len(made.get('slurries', {})), 'slurry', 'slurries')}: "
        f"{write_number(total)} core-hours in {count(runs, 'job')}, "
        f"{write_number(HOUR * total / max(electrodes, 1))} core-seconds an electrode. (A) By "
        f"stage; {largest} takes {write_number(100 * hours[largest] / total, 2)} %. (B) Wall time "
        "of single jobs: median, quartiles and extremes"
    )
    medians = "; ".join(f"{s} {write_number(float(np.median(t)))} s" for s, t in seconds.items())
    again = f", {repeated} of them repeated" if repeated else ", none of them repeated"
    return f"{text} ({medians}){again}."
