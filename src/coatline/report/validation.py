"""The validation page: every published datum beside ours, targets, sensitivities, contact laws.

All of it is computed from gathered files of the campaigns in `config/validation/` and from the file
of published data. What was not run is said to be missing.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from coatline.design.write import replace_file
from coatline.report.comparison import (
    BEYOND,
    Row,
    Target,
    compare,
    compare_pressure,
    format_spread,
    judge,
)
from coatline.report.films import Campaign, Film, read_campaign, select, spread_of
from coatline.report.published import Datum, MeasuredElectrode, Published, load_published
from coatline.report.sensitivity import PROPERTIES, Law, Shift, describe_law, measure_shift
from coatline.report.style import save
from coatline.report.validation_figures import draw_validation

PREFIX = "validation-"
REFERENCE = ("curve", "recipes", "solid-content")
"""Campaigns of the default model that published data are compared with."""

CHANGES = {
    "half-step": "time step ÷ 2",
    "slow": "pressing speed ÷ 10",
    "fine-voxel": "voxel ÷ 2",
    "large": "mass × 4",
    "small-beads": "CBD beads of 1.3 µm",
}
"""Campaigns that change one numerical choice, against `curve`."""

LAWS = {
    "elastic": "nothing yields",
    "published-a": "published set A",
    "published-b": "published set B",
}
"""Campaigns of other contact laws, against `curve` and `recipes`."""

FILM, COMPRESSION = (96.0, 69.0), 25.0
"""Recipe and compression that the sensitivities are measured at, %."""

RATES = (10.0, 20.0, 30.0)
"""Compressions that contact laws are compared at, %."""

FORMS = {
    "density_slurry": ("slurry density", "g/cm³", 2),
    "porosity": ("porosity", "", 3),
    "recovery": ("thickness recovered / compressed", "", 3),
    "tortuosity_factor": ("tortuosity factor", "", 2),
    "active_surface_area": ("active area", "", 3),
    "effective_electronic_conductivity": ("conductivity", "S/m", 4),
}
"""Name, unit and decimals of each property in tables."""

AXES = {
    "compression_rate": "CR {:g} %",
    "porosity": "ε {:g}",
    "pressure": "{:g} MPa",
    "gap": "gap {:g} µm",
    "floor": "lowest, CR {:g} %",
}

FIGURES = {
    "porosity-compression": "Porosity over compression, and solid share over that of the dried "
    "film: one that springs back lies below the grey line.",
    "porosity-pressure": "Porosity after release over the highest pressure; pressure under load.",
    "spring-back": "Spring-back as a share of the compression, and of the compressed thickness.",
    "transport": "Tortuosity factor over porosity; effective electronic conductivity over "
    "compression.",
    "slurry-and-drying": "Slurry density against the law of additive volumes; porosity of dried "
    "films over active material.",
    "active-area": "Surface of active material that faces pores, over that of the dried film.",
}
"""Captions."""


def write_validation(results: Path, published: Path, page: Path) -> None:
    """Write the validation page and its figures.

    Args:
        results: folder of all campaigns.
        published: file of published data.
        page: Markdown file to write; figures go to a folder of the same name beside it.

    Raises:
        ConfigError: the published data cannot be read.
        InputError: a campaign's file cannot be read.
    """
    data = load_published(published)
    names = (*REFERENCE, *CHANGES, *LAWS)
    campaigns = {name: read_campaign(results / f"{PREFIX}{name}") for name in names}
    films = gather_reference(campaigns)
    folder = page.with_suffix("")
    if films:
        for name, figure in draw_validation(films, data).items():
            save(figure, folder / f"{name}.svg")
    replace_file(page, make_page(campaigns, data, folder.name))


def gather_reference(campaigns: Mapping[str, Campaign | None]) -> list[Film]:
    """Films of the default model from all reference campaigns that were run."""
    return [film for name in REFERENCE if (c := campaigns.get(name)) for film in c.films]


def make_page(campaigns: Mapping[str, Campaign | None], published: Published, figures: str) -> str:
    """Make the text of the validation page.

    Args:
        campaigns: by their names without prefix; None where one was not run.
        published: what they are compared with.
        figures: folder of the figures, as seen from the page.
    """
    films = gather_reference(campaigns)
    targets = judge(films, published)
    parts = [
        _introduce(campaigns, targets),
        _tabulate_targets(targets),
        _show_figures(films, figures),
        _tabulate_data(films, published),
        _name_disagreements(films, published),
        _tabulate_changes(campaigns),
        _tabulate_laws(campaigns),
        _list_sources(published),
    ]
    return "\n\n".join(parts) + "\n"


def _introduce(campaigns: Mapping[str, Campaign | None], targets: Sequence[Target]) -> str:
    missing = [name for name, campaign in campaigns.items() if not campaign]
    made = sum(c.samples for c in campaigns.values() if c)
    failed = sum(len(c.causes) for c in campaigns.values() if c)
    met = sum(target.met is True for target in targets)
    judged = sum(target.met is not None for target in targets)
    free = [target for target in targets if target.fitted == "no"]
    kept = sum(target.met is True for target in free)
    lines = [
        "# Validation",
        "",
        "Simulated electrodes beside published ones. Generated by `make validate`, which makes all "
        "electrodes behind it again (`config/validation/`); no number here is typed. Ours is mean "
        "± standard deviation over seeds (number of films).",
        "",
        f"{made} electrodes were made for it, {failed} of them failed. "
        f"**Of {len(targets)} targets {met} are met, {judged - met} are not, "
        f"{len(targets) - judged} are open.** Most of these data were used to set parameters, so "
        f"that a target met says how well a few parameters fit many data; of the {len(free)} "
        f"that no parameter was set on, {kept} are met.",
    ]
    if missing:
        lines += ["", f"Campaigns not run: {', '.join(missing)}."]
    return "\n".join(lines)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(heads), "|" + "---|" * len(heads), *map(line, rows)])


def _tabulate_targets(targets: Sequence[Target]) -> str:
    rows = [(t.rank, t.text, t.bound, t.ours, t.verdict, t.fitted) for t in targets]
    return (
        "## Targets\n\nIn order of priority: the published data disagree among themselves, so not "
        "all can be met at once. Open: not run, or met as far as our films reach and no judgement "
        "beyond. Fitted: whether parameters of the default force field were set on these data; "
        "seen, if they lay on the table while others were fitted. ε is porosity, CR compression "
        "rate; 90/55 is 90 % active material in the solids, 55 % solids in the slurry.\n\n"
        + _table(("", "target", "bound", "ours", "verdict", "fitted"), rows)
    )


def _show_figures(films: Sequence[Film], folder: str) -> str:
    if not films:
        return "## Figures\n\nNot drawn: no reference campaign was run."
    blocks = [f"![{text}]({folder}/{name}.svg)\n\n{text}" for name, text in FIGURES.items()]
    shown = "\n\n".join(blocks)
    return (
        "## Figures\n\nFull symbols and lines are ours, with the spread over seeds; open symbols "
        f"are published, by the names in the table below.\n\n{shown}"
    )


def _tabulate_data(films: Sequence[Film], published: Published) -> str:
    rows = []
    for datum in published.data:
        rows += [_format_row(datum, row) for row in compare(datum, films)]
        if datum.over == "pressure":
            rows += [_format_pressure(datum, row) for row in compare_pressure(datum, films)]
    heads = ("datum", "recipe", "property", "at", "published", "ours", "difference")
    notes = "\n".join(f"- `{d.name}`: {d.note}" for d in published.data if d.note)
    return (
        "## Every datum\n\nOurs is linear between the electrodes of a film, and over porosity up "
        f"to {BEYOND:g} beyond them. A compression that is "
        "not said to be at the gap or after release is read as at the gap, as ours is. Grades: "
        "paper, stated in a paper; inputs, read in published input files or data; digest, quoted "
        f"through a secondary digest.\n\n{_table((*heads, 'labels', 'source'), rows)}\n\n{notes}"
    )


def _format_row(datum: Datum, row: Row) -> tuple[str, ...]:
    name, unit, decimals = FORMS[datum.property]
    spread = f" ± {row.spread:.{decimals}f}" if row.spread else ""
    ours = format_spread(row.ours, decimals)
    if not row.ours.count:
        difference = "–"
    elif datum.property == "porosity":
        difference = f"{100 * row.difference:+.1f} points"
    else:
        difference = f"{100 * (row.ratio - 1):+.0f} %"
    return (
        f"`{datum.name}`",
        str(datum.recipe),
        name + (f", {unit}" if unit else ""),
        AXES[datum.over].format(row.at) if datum.over else "slurry",
        f"{row.published:.{decimals}f}{spread}",
        ours + (f", {row.why}" if row.why else ""),
        difference,
        datum.labels,
        f"{datum.source}, {datum.grade}" if datum.grade != datum.source else datum.source,
    )


def _format_pressure(datum: Datum, row: Row) -> tuple[str, ...]:
    return (
        f"`{datum.name}`",
        str(datum.recipe),
        "pressure, MPa",
        f"ε {row.at:g}",
        f"{row.published:g}",
        format_spread(row.ours, 1) if row.ours.count else "–, outside of what was made",
        f"×{row.ratio:.2g}" if row.ours.count else "–",
        datum.labels,
        f"{datum.source}, {datum.grade}" if datum.grade != datum.source else datum.source,
    )


def _name_disagreements(films: Sequence[Film], published: Published) -> str:
    """Where the data contradict each other or themselves, with the arithmetic."""
    low, high = published["dried-96-low"].values[0], published["dried-96-high"].values[0]
    curve = published["curve-96-simulated"].values[0]
    points = [
        f"The same formulation 96/69 is given dried as {low:.3f}, {curve:.4f} and {high:.3f}, the "
        "last two for one simulated film with other labels: no model meets all.",
        _check_slurry(films, published),
        _check_spring_back(published),
        _check_tortuosity(published),
    ]
    if published.electrode:
        points.append(_check_electrode(published.electrode))
    return "## Where the data disagree\n\n" + "\n".join(f"- {point}" for point in points if point)


def _check_slurry(films: Sequence[Film], published: Published) -> str:
    """How far the measured slurries and ours are from the law of additive volumes."""
    found = []
    for datum in (published["slurry-density-94"], published["slurry-density-96"]):
        own = select(films, datum.recipe.active_material, datum.recipe.solid_content)
        text = f"that of {datum.recipe}, {datum.values[0]:.2f} g/cm³,"
        if not own:
            found.append(f"{text} cannot be judged, for no such film was made")
            continue
        law = own[0].scalars["density_slurry_additive"]
        ours = spread_of(film.scalars["density_slurry"] / law for film in own).mean
        off = [100 * (value - 1) for value in (datum.values[0] / law, ours)]
        found.append(f"{text} is {off[0]:+.1f} % off (ours {off[1]:+.1f} %)")
    return f"Measured slurry densities against the law of additive volumes: {'; '.join(found)}."


def _check_spring_back(published: Published) -> str:
    """Spring-back that a curve implies where its compressions are at the gap, beside the other."""
    curve, series = published["curve-96-simulated"], published["spring-back-96"]
    implied = []
    for at, value in zip(curve.at[1:], curve.values[1:], strict=True):
        left = (1 - curve.values[0]) / (1 - value)  # thickness after release / dried
        implied.append(100 * (left - (1 - at / 100)) / (at / 100))
    rates = [at / 100 for at in series.at]
    stated = [
        100 * value * (1 - rate) / rate for rate, value in zip(rates, series.values, strict=True)
    ]
    other = [one * at / (100 - at) for one, at in zip(implied, curve.at[1:], strict=True)]
    return (
        f"Spring-back: if its compressions are at the gap, `{curve.name}` implies "
        f"{min(implied):.1f} to {max(implied):.1f} % of the compression by conservation of solids, "
        f"{min(other):.1f} to {max(other):.1f} % of the compressed thickness. `{series.name}` says "
        f"{min(stated):.0f} to {max(stated):.0f} % of the compression, "
        f"{100 * min(series.values):.0f} to {100 * max(series.values):.0f} % of the compressed "
        "thickness. Which of the two is meant has to be said with every number."
    )


def _check_tortuosity(published: Published) -> str:
    first, second = published["tortuosity-96"], published["tortuosity-tomography"]
    low, high = first.at[-1], first.at[0]
    slopes = []
    for datum in (first, second):
        slopes.append(
            math.log(datum.values[-1] / datum.values[0]) / math.log(datum.at[-1] / datum.at[0])
        )
    return (
        f"Tortuosity: τ ∝ ε^{slopes[0]:.2f} in `{first.name}` (ε {high:g} to {low:g}) but "
        f"ε^{slopes[1]:.2f} in `{second.name}`."
    )


def _check_electrode(electrode: MeasuredElectrode) -> str:
    """Close the mass balance of the published electrode with and without its foil."""
    areal = 10 * electrode.loading  # mg/cm² over µm is 10 g/cm³
    full = [areal / thickness for thickness in electrode.thickness]
    bare = [areal / (thickness - electrode.foil) for thickness in electrode.thickness]
    pores = [1 - density / electrode.solid_density for density in bare]
    squeezed = 100 * (1 - electrode.thickness[1] / electrode.thickness[0])
    coating = 100 * (
        1 - (electrode.thickness[1] - electrode.foil) / (electrode.thickness[0] - electrode.foil)
    )

    def show(values: Sequence[float]) -> str:
        return " → ".join(f"{value:.2f}" for value in values)

    return (
        f"The {electrode.name} ({electrode.source}, {electrode.active_material:g}/"
        f"{electrode.solid_content:g}, {electrode.loading:g} mg/cm², "
        f"{electrode.thickness[0]:g} → {electrode.thickness[1]:g} µm): its densities "
        f"{show(electrode.density)} g/cm³ close only if the {electrode.foil:g} µm foil is part of "
        f"the thickness ({show(bare)} without the foil, {show(full)} with it taken as coating). "
        f"The stated {electrode.compression:g} % is {squeezed:.0f} % of coating and foil together, "
        f"which is {coating:.0f} % of the coating. Its porosities {show(electrode.porosity)} "
        f"stand beside {show(pores)} from loading and thickness. Its tortuosity factor falls on "
        f"calendering, {show(electrode.tortuosity_factor)}, against all other data. No target."
    )


def _tabulate_changes(campaigns: Mapping[str, Campaign | None]) -> str:
    head = "## Sensitivities\n\n"
    base = campaigns.get("curve")
    if not base:
        return head + "Not judged: campaign curve was not run."
    before = select(base.films, *FILM)
    rows = []
    count = 0
    for name, text in CHANGES.items():
        campaign = campaigns.get(name)
        if not campaign:
            rows.append((text, *("not run" for _ in PROPERTIES)))
            continue
        own = select(campaign.films, *FILM)
        shifts = {key: measure_shift(own, before, key, COMPRESSION) for key in PROPERTIES}
        count = max(shift.count for shift in shifts.values())
        cells = [_format_shift(shifts[key], PROPERTIES[key][1]) for key in PROPERTIES]
        rows.append((f"{text} ({count} seeds)", *cells))
    base_row = ["default, mean ± spread"]
    for key, (_, factor, _) in PROPERTIES.items():
        spread = measure_shift([], before, key, COMPRESSION).base
        base_row.append(_format_digits(spread.mean, spread.sd, factor) if spread.count else "–")
    heads = [""] + [f"{name}{', ' + unit if unit else ''}" for name, _, unit in PROPERTIES.values()]
    return (
        f"{head}Films of {FILM[0]:g}/{FILM[1]:g} at CR {COMPRESSION:g} %, each change against the "
        "same seeds of the default: mean shift ± its standard error. Bold is more than the "
        "seed-to-seed standard deviation of the first line, with a 95 % interval that does not "
        "hold 0; italic is more than the first alone. Films of another size or bead have "
        "other particles, and those of half the step part from the default's at once; pressed "
        "slowly they start from the very same dried film, and the finer voxels measure the very "
        f"same electrode.\n\n{_table(heads, [base_row, *rows])}\n\n{_sum_up(campaigns, before)}"
    )


def _format_shift(shift: Shift, factor: float) -> str:
    if not shift.count:
        return "–"
    text = _format_digits(shift.mean, shift.error, factor, shift.base.sd)
    return {True: text, False: f"**{text}**", None: f"*{text}*"}[shift.within]


def _format_digits(mean: float, error: float, factor: float, against: float | None = None) -> str:
    """Mean ± error with two digits of the error, or of the spread a shift is judged against."""
    scale = factor * (error if against is None else against)
    decimals = 3
    if math.isfinite(scale) and scale > 0:
        decimals = min(6, max(0, 1 - math.floor(math.log10(scale))))
    text = f"{factor * mean:{'' if against is None else '+'}.{decimals}f}"
    return text + (f" ± {factor * error:.{decimals}f}" if math.isfinite(error) else "")


def _sum_up(campaigns: Mapping[str, Campaign | None], before: Sequence[Film]) -> str:
    beyond, unknown = [], []
    for name, text in CHANGES.items():
        campaign = campaigns.get(name)
        if not campaign:
            continue
        own = select(campaign.films, *FILM)
        for key, (words, _, _) in PROPERTIES.items():
            within = measure_shift(own, before, key, COMPRESSION).within
            if within is None:
                unknown.append(f"{words} with {text}")
            elif not within:
                beyond.append(f"{words} with {text}")
    lines = []
    if beyond:
        lines.append(f"Beyond the spread: {'; '.join(beyond)}.")
    elif any(campaigns.get(name) for name in CHANGES):
        lines.append("No shift that could be judged is beyond the spread.")
    if unknown:
        lines.append(f"Too few seeds to judge: {'; '.join(unknown)}.")
    return " ".join(lines)


def _tabulate_laws(campaigns: Mapping[str, Campaign | None]) -> str:
    groups = {"default": [c for name in ("curve", "recipes") if (c := campaigns.get(name))]}
    groups |= {name: [c] if (c := campaigns.get(name)) else [] for name in LAWS}
    tables = []
    for recipe in (FILM, (90.0, 55.0)):
        rows = []
        for name, group in groups.items():
            words = f"{name}: {LAWS[name]}" if name in LAWS else f"**{name}**"
            law = describe_law(group, recipe, RATES)
            rows.append((words, *(_format_law(law) if law else ["not run"] * 6)))
        rates = "/".join(f"{rate:g}" for rate in RATES)
        heads = (
            f"{recipe[0]:g}/{recipe[1]:g}",
            "failed",
            f"porosity at CR 0/{rates} %",
            f"pressure under load at {rates} %, MPa",
            f"spring-back at {rates} %, % of compression",
            f"mean overlap at {RATES[-1]:g} %, %",
            "s per electrode",
        )
        tables.append(_table(heads, rows))
    return (
        "## Contact laws\n\nThe same films under other laws (`manufacture.force_field`). Porosity "
        "over compression hardly tells them apart; pressure, spring-back, overlap and cost do. "
        "Failures are of all electrodes of the campaign; cost is wall time to make one electrode "
        "of three from one film, on the machine that ran it; default films of 96/69 are "
        "pressed to 36 %, all others to 30 %.\n\n" + "\n\n".join(tables)
    )


def _format_law(law: Law) -> list[str]:
    def join(values: Mapping[float, float], decimals: int, factor: float = 1.0) -> str:
        return " / ".join(
            f"{factor * v:.{decimals}f}" if math.isfinite(v) else "–" for v in values.values()
        )

    return [
        f"{law.failed} of {law.samples}",
        join({key: one.mean for key, one in law.porosity.items()}, 3),
        " / ".join(
            f"{one.mean:.2g}" if math.isfinite(one.mean) else "–" for one in law.pressure.values()
        ),
        join({key: one.mean for key, one in law.spring_back.items()}, 1, 100),
        f"{law.overlap.mean:.1f}" if law.overlap.count else "–",
        f"{law.seconds:.0f}" if math.isfinite(law.seconds) else "–",
    ]


def _list_sources(published: Published) -> str:
    lines = [f"- `{key}`: {text}" for key, text in published.sources.items()]
    return "## Sources\n\n" + "\n".join(lines)
