"""Figures of simulated electrodes beside published data.

Lines with error bars are ours: mean and standard deviation over the seeds of a recipe. Open symbols
are published. Campaigns of many recipes are drawn as points coloured by active material.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from coatline.report.drawing import Drawing, letter_axes
from coatline.report.films import Film, average, compressions_of, group, spread_of
from coatline.report.published import Datum, Published
from coatline.report.style import COLOURS, CYCLE, PAGE, style
from coatline.report.words import count

FEW = 6
"""So many recipes get a line each; more become points."""

MARKS = "sD^v<>pXhdP*8"
"""Symbols of published data, one for each entry of the legend as far as they go."""

HEIGHT = 3.2


def show_overview(films: Sequence[Film], published: Published | None) -> Drawing:
    """Draw the overview with its caption; arguments as of `draw_overview`."""
    electrodes = sum(len(film.electrodes["compression_rate"]) for film in films)
    data = [
        *_data(published, property="porosity", over="compression_rate"),
        *_data(published, over="pressure"),
        *_data(published, property="tortuosity_factor"),
    ]
    beside = (
        f" beside {count(len(data), 'published series', 'published series')} (open symbols)"
        if data
        else "; nothing published is known of the material"
    )
    text = (
        f"{count(electrodes, 'electrode')} of {count(len(films), 'film')}{beside}. (A) Porosity "
        "after release over compression rate. (B) Porosity after release over the highest "
        "pressure. (C) Tortuosity factor over porosity; grey: porosity to the power −0.5, beds of "
        "equal spheres. Numbers in the legend are active material / solid content, %."
    )
    if published and data:
        text += f" Sources: {published.cite(data)}."
    figure = draw_overview(films, published)
    with style():
        letter_axes(figure.axes[:3])
    return Drawing(figure, text)


def draw_overview(films: Sequence[Film], published: Published | None) -> Figure:
    """Draw a campaign's own electrodes beside published data.

    Args:
        films: of the campaign.
        published: None where nothing is known of the material.

    Returns:
        Porosity over compression, porosity over pressure, and tortuosity factor over porosity.
    """
    return _draw_panels(
        [_draw_porosity, _draw_pressure, _draw_tortuosity], films, published, height=3.0
    )


def draw_validation(films: Sequence[Film], published: Published) -> dict[str, Figure]:
    """Draw the figures of the validation page.

    Args:
        films: of all recipes that were made for it.
        published: what they are compared with.

    Returns:
        Name of the file → figure.
    """
    panels = {
        "porosity-compression": [_draw_porosity, _draw_shape],
        "porosity-pressure": [_draw_pressure, _draw_pressing],
        "spring-back": [_draw_spring_back, _draw_recovery],
        "transport": [_draw_tortuosity, _draw_conductivity],
        "slurry-and-drying": [_draw_slurry_density, _draw_dried],
        "active-area": [_draw_active_area],
    }
    return {name: _draw_panels(row, films, published) for name, row in panels.items()}


Panel = Callable[[Axes, Sequence[Film], Published | None], None]


def _draw_panels(
    panels: Sequence[Panel],
    films: Sequence[Film],
    published: Published | None,
    height: float = HEIGHT,
) -> Figure:
    with style():
        width = PAGE if len(panels) > 1 else PAGE / 2
        figure = Figure(figsize=(width, height), layout="constrained")
        for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
            panel(axes, films, published)
        named = {
            label: handle
            for axes in figure.axes
            for handle, label in zip(*axes.get_legend_handles_labels())
        }
        if named:
            columns = 3 if len(panels) > 1 else 1
            figure.legend(
                named.values(), named.keys(), loc="outside lower center", ncols=columns, fontsize=7
            )
    return figure


def _data(published: Published | None, **wanted: str) -> list[Datum]:
    """Published data with these attributes."""
    return [
        datum
        for datum in (published.data if published else ())
        if all(getattr(datum, key) == value for key, value in wanted.items())
    ]


def _mark(
    axes: Axes,
    published: Published | None,
    data: Iterable[Datum],
    x: Callable[[Datum], Sequence[float]],
    y: Callable[[Datum], Sequence[float]],
) -> None:
    """Draw published data, a symbol for each entry of the legend, the same in all panels."""
    if published is None:
        return
    drawn = [datum for datum in published.data if datum.over not in ("gap", "floor")]
    for datum in data:
        same = [one for one in drawn if (one.over is None) == (datum.over is None)]
        among = list(dict.fromkeys(published.label(one) for one in same))
        mark = MARKS[among.index(published.label(datum)) % len(MARKS)]
        axes.errorbar(
            x(datum),
            y(datum),
            yerr=datum.spread,
            linestyle=":" if len(datum.values) > 1 else "",
            linewidth=0.8,
            color="0.25",
            marker=mark,
            markerfacecolor="white",
            markersize=4.5,
            capsize=2,
            label=published.label(datum),
            zorder=4,
        )


def _plot_ours(
    axes: Axes,
    films: Sequence[Film],
    x: Callable[[Film, float], float],
    y: Callable[[Film, float], float],
    least: float = 0.0,
) -> None:
    """Draw what films have at each of their compressions, recipe by recipe.

    Args:
        axes: where.
        films: of any recipes.
        x, y: of a film's electrode at one compression.
        least: lowest compression that is drawn, %.
    """
    recipes = group(film for film in films if len(film.electrodes["compression_rate"]))
    if len(recipes) > FEW:
        rows = [
            (x(film, rate), y(film, rate), film.active_material)
            for film in films
            for rate in film.electrodes["compression_rate"]
            if rate >= least
        ]
        if rows:
            a, b, c = zip(*rows)
            points = axes.scatter(a, b, c=c, s=8, linewidths=0, zorder=3)
            axes.figure.colorbar(points, ax=axes, label="Active material (%)", shrink=0.9)
        return
    for recipe, colour in zip(recipes, CYCLE):
        own = recipes[recipe]
        found = []
        for rate in compressions_of(own):
            across = spread_of(x(film, rate) for film in own)
            up = spread_of(y(film, rate) for film in own)
            if rate >= least and across.count and up.count:
                found.append((across.mean, up.mean, np.nan_to_num(across.sd), np.nan_to_num(up.sd)))
        if found:
            across, up, wide, high = zip(*found)
            axes.errorbar(
                across,
                up,
                xerr=wide if any(wide) else None,
                yerr=high if any(high) else None,
                marker="o",
                markersize=3,
                linewidth=1.2,
                elinewidth=0.8,
                capsize=1.5,
                color=COLOURS[colour],
                label=_name(recipe),
                zorder=3,
            )


def _name(recipe: tuple[float, float]) -> str:
    return f"{round(recipe[0], 1):g}/{round(recipe[1], 1):g}"


def _at(name: str, factor: float = 1.0) -> Callable[[Film, float], float]:
    """A property of a film's electrode at one compression."""
    return lambda film, rate: factor * film.look_up(name, "compression_rate", rate)


def _rate(film: Film, rate: float) -> float:
    return rate


def _pressed(films: Sequence[Film]) -> list[Film]:
    """Films that were pressed; all where there is none."""
    found = [film for film in films if max(film.electrodes["compression_rate"], default=0) > 0.5]
    return found or list(films)


def _draw_porosity(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    _plot_ours(axes, _pressed(films), _rate, _at("porosity"))
    data = _data(published, property="porosity", over="compression_rate")
    _mark(axes, published, data, lambda d: d.at, lambda d: d.values)
    axes.set(xlabel="Compression rate (%)", ylabel="Porosity, total")


def _draw_shape(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    rate = np.linspace(0, 40, 81)
    axes.plot(rate, 1 / (1 - rate / 100), color="0.6", linewidth=0.8, label="no spring-back")
    _plot_ours(axes, _pressed(films), _rate, _at("shape"))
    data = [d for d in _data(published, property="porosity", over="compression_rate") if d.at[1:]]
    _mark(
        axes,
        published,
        data,
        lambda d: d.at,
        lambda d: [(1 - v) / (1 - d.values[0]) for v in d.values],
    )
    axes.set(xlabel="Compression rate (%)", ylabel="(1 − ε) / (1 − ε₀)")


def _draw_pressure(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    _plot_ours(axes, _pressed(films), _at("pressure"), _at("porosity"), least=1.0)
    data = _data(published, over="pressure")
    _mark(axes, published, data, lambda d: d.at[1:], lambda d: d.values[1:])
    axes.set(xscale="log", xlabel="Calendering pressure (MPa)", ylabel="Porosity after release")


def _draw_pressing(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    """Pressure over compression under load, each film a thin line."""
    recipes = group(_pressed(films))
    for recipe, colour in zip(recipes, CYCLE):
        for index, film in enumerate(recipes[recipe]):
            axes.plot(
                film.curve["compression"],
                film.curve["pressure"],
                color=COLOURS[colour],
                linewidth=0.8,
                label=_name(recipe) if index == 0 else None,
            )
    axes.set(yscale="log", xlabel="Compression (%)", ylabel="Pressure under load (MPa)")


def _draw_spring_back(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    axes.axhspan(0.3, 18, color="0.93", label="bounds of target 4")
    _plot_ours(axes, _pressed(films), _rate, _at("spring_back", 100), least=1.0)
    axes.set(xlabel="Compression rate (%)", ylabel="Spring-back (% of compression)")
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))


def _draw_recovery(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    _plot_ours(axes, _pressed(films), _rate, _at("recovery", 100), least=1.0)
    data = _data(published, property="recovery")
    _mark(axes, published, data, lambda d: d.at, lambda d: [100 * value for value in d.values])
    axes.set(xlabel="Compression rate (%)", ylabel="Recovered / compressed (%)")
    axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))


def _draw_tortuosity(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    _plot_ours(axes, _pressed(films), _at("porosity"), _at("tortuosity_factor"))
    data = _data(published, property="tortuosity_factor")
    _mark(axes, published, data, lambda d: d.at, lambda d: d.values)
    porosity = np.linspace(0.2, 0.6, 81)
    axes.plot(porosity, porosity**-0.5, color="0.6", linewidth=0.8, label="ε$^{-0.5}$")
    axes.set(xlabel="Porosity, total", ylabel="Tortuosity factor")


def _draw_conductivity(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    _plot_ours(axes, _pressed(films), _rate, _at("effective_electronic_conductivity"))
    data = _data(published, property="effective_electronic_conductivity")
    _mark(axes, published, data, lambda d: d.at, lambda d: d.values)
    axes.set(yscale="log", xlabel="Compression rate (%)", ylabel="Conductivity (S/m)")


def _draw_slurry_density(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    pairs = [
        (film.scalars["density_slurry_additive"], film.scalars["density_slurry"]) for film in films
    ]
    law = {film.recipe: pair[0] for film, pair in zip(films, pairs)}
    if pairs:
        ends = np.array([min(p[0] for p in pairs) - 0.05, max(p[0] for p in pairs) + 0.05])
        axes.fill_between(ends, 0.97 * ends, 1.03 * ends, color="0.93", label="law ± 3 %")
        axes.plot(ends, ends, color="0.6", linewidth=0.8)
        axes.plot(*zip(*pairs), "o", color=COLOURS["blue"], markersize=3, label="ours")
    data = [d for d in _data(published, property="density_slurry") if _find_law(law, d)]
    _mark(axes, published, data, lambda d: [_find_law(law, d)], lambda d: d.values)
    axes.set(xlabel="Additive slurry density (g/cm³)", ylabel="Slurry density (g/cm³)")


def _find_law(law: dict[tuple[float, float], float], datum: Datum) -> float | None:
    """Additive density of a datum's slurry, where ours has it."""
    return law.get((datum.recipe.active_material, datum.recipe.solid_content or 0.0))


def _draw_dried(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    recipes = group(film for film in films if 0.0 in compressions_of([film]))
    for recipe, own in recipes.items():
        found = average(own, "porosity", "compression_rate", 0.0)
        axes.errorbar(
            recipe[0],
            found.mean,
            yerr=np.nan_to_num(found.sd),
            marker="o",
            markersize=3,
            capsize=1.5,
            elinewidth=0.8,
            color=COLOURS["blue"],
        )
        before = sum(other[0] == recipe[0] and other[1] > recipe[1] for other in recipes)
        axes.annotate(
            f"SC {recipe[1]:g}",
            (recipe[0], found.mean),
            (-5 if before % 2 else 5, 0),
            textcoords="offset points",
            horizontalalignment="right" if before % 2 else "left",
            verticalalignment="center",
            fontsize=6.5,
        )
    data = [
        d
        for d in _data(published, property="porosity", over="compression_rate")
        if d.at[0] == 0 and d.recipe.solid_content
    ]
    _mark(axes, published, data, lambda d: [d.recipe.active_material], lambda d: d.values[:1])
    axes.set(xlabel="Active material (%)", ylabel="Dried porosity, total")
    axes.margins(x=0.12)


def _draw_active_area(axes: Axes, films: Sequence[Film], published: Published | None) -> None:
    def relative(film: Film, rate: float) -> float:
        value = film.look_up("active_surface_area", "compression_rate", rate)
        return value / film.look_up("active_surface_area", "compression_rate", 0.0)

    _plot_ours(axes, _pressed(films), _at("porosity"), relative)
    data = _data(published, property="active_surface_area")
    _mark(axes, published, data, lambda d: d.at, lambda d: d.values)
    axes.set(xlabel="Porosity, total", ylabel="AM–pore area / that of the dried film")
