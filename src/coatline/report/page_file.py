"""The page of a campaign: one HTML file with everything in it, which opens without a network."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from jinja2 import Environment, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

import coatline
from coatline.campaign.provenance import describe_code, name_code
from coatline.design.write import replace_file
from coatline.errors import InputError
from coatline.measure.dataset import Table, read_table
from coatline.report.campaign_figures import (
    HOUR,
    STAGES,
    describe_failures,
    list_seconds,
)
from coatline.report.contents import TABLES, label_figure, label_table
from coatline.report.drawing import read_caption
from coatline.report.explorer import dump_script, make_data, write_formulas
from coatline.report.gathered import (
    Best,
    Electrodes,
    pick_electrodes,
    read_arrays,
    read_best,
    read_json,
)
from coatline.report.paper import PublishedCampaign, load_paper
from coatline.report.sheets import Sheet, make_predictor, read_sheet
from coatline.report.structures import read_structures
from coatline.report.words import (
    begin_sentence,
    count,
    join_words,
    name_inside,
    name_unit,
    say_difference,
    write_interval,
    write_number,
    write_recipe,
    write_value,
)

PAGE = Path(__file__).with_name("page")
LARGEST = 15_000_000
"""Bytes that a page may have."""

Item = dict[str, Any]

SECTIONS = {
    "electrodes": (
        "The electrodes",
        ("distributions", "design", "calendering", "profiles", "validation"),
        (),
    ),
    "learned": (
        "What was learned",
        ("regression", "sobol"),
        ("formulas", "signal", "table1", "tableS1"),
    ),
    "optimum": (
        "The best electrode",
        ("dependence", "convergence", "optimum", "electrodes"),
        ("table2", "made", "table3"),
    ),
    "compromises": ("Extremes and compromises", ("extremes", "front"), ("extremes", "claims")),
    "failures": ("Failures and cost", ("failures", "cost"), ()),
}
"""Sections between the explorer and the provenance: title, figures, tables."""


@dataclass
class Section:
    """A section of the page.

    Attributes:
        id: of its place.
        title: heading.
        text: paragraphs.
        points: listed below the text.
        items: figures and tables.
        folded: parts that open on demand, title and HTML.
    """

    id: str
    title: str
    text: list[str] = field(default_factory=list)
    points: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    folded: list[Item] = field(default_factory=list)


def write_page(
    files: Mapping[str, Any],
    output: Path,
    *,
    campaign: str,
    material: str,
    fixed: Mapping[str, float],
    ranges: Mapping[str, Sequence[float]],
    size: Mapping[str, float],
) -> None:
    """Write the page.

    Args:
        files: gathered files, figures, tables and captions, by what they hold.
        output: HTML file to write.
        campaign: its name.
        material: name of the active material.
        fixed: inputs that do not vary, %.
        ranges: of the three inputs, %.
        size: `solid_mass` (µg) and `solid_loading` (mg/cm²) of an electrode.

    Raises:
        InputError: a file cannot be read, or the page would be larger than it may be.
    """
    table = read_table(Path(files["dataset"]))
    electrodes = pick_electrodes(table)
    paper = load_paper(Path(files["paper"])) if "paper" in files else None
    best = read_best(files["optimum"], files.get("made")) if "optimum" in files else None
    made = read_json(files["provenance"]) if "provenance" in files else {}
    surrogates = read_json(files["surrogates"]) if "surrogates" in files else None
    lead = (
        f"{count(len(table.sample), 'electrode')} of {material}, "
        f"{write_number(size['solid_mass'])} µg each at {write_number(size['solid_loading'])} "
        "mg/cm², made by particle simulation: slurry, drying, calendering; and what follows."
    )
    figures, tables = _collect(files)
    parts = [summarise(table, electrodes, best, made, paper, ranges)]
    script = formulas = data = ""
    if surrogates and len(electrodes.sample):
        data, formulas = _fill_explorer(files, surrogates, electrodes, fixed, best)
        if data:
            parts.append(_explain_explorer(surrogates, fixed, best))
            script = (PAGE / "explorer.js").read_text(encoding="utf-8")
    for name, (title, drawn, listed) in SECTIONS.items():
        items = [tables[one] for one in listed if one in tables]
        items += [figures[one] for one in drawn if one in figures]
        if items:
            parts.append(Section(name, title, items=items))
    parts += [
        _show_provenance(files, made),
        _list_citations(Path(files["citation"])),
    ]
    parts += _include_validation(files.get("validation", []))
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    text = environment.from_string((PAGE / "index.html").read_text(encoding="utf-8")).render(
        campaign=campaign,
        lead=lead,
        parts=parts,
        css=Markup((PAGE / "style.css").read_text(encoding="utf-8")),
        explorer=Markup((PAGE / "explorer.html").read_text(encoding="utf-8")),
        data=Markup(data),
        formulas=Markup(formulas),
        script=Markup(script),
        version=coatline.__version__,
    )
    if len(text.encode("utf-8")) > LARGEST:
        raise InputError(f"{output}: would be {len(text) / 1e6:.1f} MB, {LARGEST / 1e6:g} at most")
    output.parent.mkdir(parents=True, exist_ok=True)
    replace_file(output, text)


def _collect(files: Mapping[str, Any]) -> tuple[dict[str, Item], dict[str, Item]]:
    """Read figures and tables with their captions, by name."""
    figures = {}
    for path, caption in zip(map(Path, files["figures"]), files["captions"], strict=True):
        figures[path.stem] = {
            "id": f"figure-{path.stem}",
            "title": label_figure(path.stem),
            "caption": read_caption(caption),
            "source": embed("image/svg+xml", path),
        }
    tables = {}
    for path, note in zip(map(Path, files["tables"]), files["notes"], strict=True):
        sheet: Sheet = read_sheet(path, Path(note))
        tables[path.stem] = {
            "id": f"table-{path.stem}",
            "title": label_table(path.stem),
            "caption": sheet.caption,
            "columns": sheet.columns,
            "rows": sheet.rows,
        }
    return figures, {name: tables[name] for name in TABLES if name in tables}


def embed(kind: str, path: Path) -> str:
    """Make a file a data URI."""
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def summarise(
    table: Table,
    electrodes: Electrodes,
    best: Best | None,
    made: Mapping[str, Any],
    paper: PublishedCampaign | None,
    ranges: Mapping[str, Sequence[float]],
) -> Section:
    """Summarise the campaign in words and numbers, and against the published one."""
    spans = join_words(
        f"{name_inside(name)} {write_interval(*span)} %" for name, span in ranges.items()
    )
    text = [f"The design spans {spans}. {describe_failures(table)}"]
    if len(electrodes.sample):
        shown = ("porosity", "density", "tortuosity_factor", "active_surface_area")
        shown += ("effective_electronic_conductivity",)
        found = [
            f"{name_inside(name)} {write_interval(one.low, one.high)}{_unit(one.unit)}"
            for name in shown
            if name in electrodes.values and np.isfinite(electrodes.values[name]).any()
            for one in [electrodes.take(name)]
        ]
        text.append(f"Over the electrodes made, {join_words(found)}.")
    if best:
        text.append(_summarise_best(best))
    seconds = list_seconds(made)
    hours = sum(float(t.sum()) for t in list_seconds(made, cores=True).values()) / HOUR
    if seconds:
        text.append(
            f"All that cost {write_number(hours)} core-hours, "
            f"{write_number(HOUR * hours / max(len(table.sample), 1))} core-seconds an electrode."
        )
    section = Section("summary", "Summary", text)
    if paper:
        section.text.append(f"Beside the published campaign ({paper.source}):")
        mass = made.get("config", {}).get("electrode", {}).get("solid_mass")
        section.points = _compare_campaigns(table, best, hours, mass, paper)
    return section


def _unit(unit: str) -> str:
    printed = name_unit(unit)
    return f" {printed}" if printed else ""


def _summarise_best(best: Best) -> str:
    units = {aim["name"]: aim["units"] for aim in best.record.get("aims", [])}
    listed = join_words(
        f"{name_inside(name)} {write_value(best.look_up(name), units.get(name, '1'))}"
        for name in best.predicted
    )
    how = (
        "the electrode made of it has"
        if best.films == 1
        else f"{count(best.films, 'electrode')} made of it have, on the mean,"
    )
    text = f"The best recipe is {write_recipe(best.recipe)}"
    if best.record.get("objective") is not None:
        text += f", with a C_f of {write_number(best.record['objective'])}"
    text += f"; {how if best.simulated else 'it is predicted to have'} {listed}." if listed else "."
    notes = best.record.get("notes", [])
    return text + "".join(f" {begin_sentence(note)}." for note in notes)


def _compare_campaigns(
    table: Table,
    best: Best | None,
    hours: float,
    mass: float | None,
    paper: PublishedCampaign,
) -> list[str]:
    """Say how ours differs from the published campaign as a whole."""
    size = f" for {mass:g} µg" if mass else ""
    points = [f"Electrodes: {len(table.sample)}; published: {paper.samples}."]
    if hours:
        number = max(len(table.sample), 1)
        each = hours / number
        shared = len({sample.partition("c")[0] for sample in table.sample}) / number
        theirs = paper.hours.film * shared + paper.hours.calendering
        points.append(
            f"Computing time of one electrode, slurries shared as here: published "
            f"{write_number(theirs, 2)} h ({write_number(paper.hours.film)} h for a slurry and its "
            f"film, {write_number(paper.hours.calendering)} h for a calendering); ours "
            f"{write_number(HOUR * each)} core-seconds{size}, "
            f"{write_number(theirs / each, 2)} times less."
        )
    if best:
        gaps = [
            f"{name} {say_difference(a, b, '%')}"
            for name, a, b in zip(
                ("AM", "SC", "CR"), best.recipe, paper.optimum.recipe.values, strict=True
            )
        ]
        points.append(
            f"Best recipe: {write_recipe(best.recipe)}, published "
            f"{write_recipe(paper.optimum.recipe.values)} ({', '.join(gaps)})."
        )
        units = {aim["name"]: aim["units"] for aim in best.record.get("aims", [])}
        for name, value in paper.optimum.properties.items():
            if name in units:
                ours = best.look_up(name)
                points.append(
                    f"{begin_sentence(name_inside(name))} of the best electrode: "
                    f"{write_value(ours, units[name])}, published "
                    f"{write_value(value, units[name])}: ours is {say_difference(ours, value)}."
                )
    return points


def _fill_explorer(
    files: Mapping[str, Any],
    surrogates: Mapping[str, Any],
    electrodes: Electrodes,
    fixed: Mapping[str, float],
    best: Best | None,
) -> tuple[str, str]:
    """Data and formulas of the explorer; nothing where there is no formula."""
    if not any("sisso" in parts for parts in surrogates["properties"].values()):
        return "", ""
    data = make_data(
        surrogates,
        electrodes,
        fixed,
        best,
        make_predictor(surrogates, best.record if best else {}),
        read_arrays(files["front"]) if "front" in files else None,
        read_structures(files["structures"]) if "structures" in files else None,
        [Path(one) for one in files.get("pictures", [])],
    )
    return dump_script(data), write_formulas(surrogates)


def _explain_explorer(
    surrogates: Mapping[str, Any], fixed: Mapping[str, float], best: Best | None
) -> Section:
    text = [
        "Choose a recipe: the formulas that were learned run here, in the page. They hold within "
        "the ranges of the sliders, for the mean of many films."
    ]
    if fixed:
        held = join_words(f"{name_inside(n)} {write_number(v)} %" for n, v in fixed.items())
        text.append(f"Not varied in this campaign: {held}.")
    lost = [name for name, parts in surrogates["properties"].items() if "sisso" not in parts]
    if lost:
        text.append(f"Without a formula, hence not here: {join_words(map(name_inside, lost))}.")
    if best and best.record.get("method") and not best.record.get("aims"):
        text.append(
            f"There is no optimum by formulas; what stands for it is the {best.record['method']}."
        )
    return Section("explorer", "Explorer", text)


def _show_provenance(files: Mapping[str, Any], made: Mapping[str, Any]) -> Section:
    """Say what made the results."""
    dataset = Path(files["dataset"])
    digest = hashlib.sha256(dataset.read_bytes()).hexdigest()
    page = describe_code()
    points = [f"Dataset: {dataset.name}, SHA-256 {digest}."]
    if made:
        code = made.get("code", {})
        points.append(
            f"Electrodes: coatline {name_code(code)}, LAMMPS "
            f"{join_words(made.get('lammps', [])) or 'not named'}"
            + (f", on {count(len(made['hosts']), 'host')}" if made.get("hosts") else "")
            + (f", gathered {made['written']}" if "written" in made else "")
            + "."
        )
        seed = made.get("config", {}).get("campaign", {}).get("seed")
        points += [f"Seed of the campaign: {seed}."] if seed is not None else []
        runs = [own for part in ("slurries", "samples") for own in made.get(part, {}).values()]
        physics = {
            stage: {own[stage]["physics"] for own in runs if "physics" in own.get(stage, {})}
            for stage in STAGES
        }
        known = [f"{stage} {', '.join(sorted(one))}" for stage, one in physics.items() if one]
        points += [f"Hashes of code and decks: {'; '.join(known)}."] if known else []
    else:
        points.append("Beside the dataset there is no provenance.json: what made it is not known.")
    points.append(f"This page: coatline {name_code(page)}.")
    section = Section("provenance", "Provenance", points=points)
    if made.get("config"):
        shown = json.dumps(made["config"], indent=1, ensure_ascii=False)
        section.folded.append(
            {
                "title": "Configuration with all defaults",
                "html": Markup("<pre>{}</pre>").format(shown),
            }
        )
    return section


def _list_citations(path: Path) -> Section:
    """List what to cite, from `CITATION.cff`."""
    record = yaml.safe_load(path.read_text(encoding="utf-8"))
    points = [f"{record['title']}, version {record['version']}."]
    for one in record.get("references", []):
        names = [f"{a.get('family-names', a.get('name', ''))}" for a in one["authors"]]
        who = f"{names[0]} et al." if len(names) != 2 else " and ".join(names)
        where = " ".join(str(one[key]) for key in ("journal", "volume") if key in one)
        pages = f", {one['start']}" if "start" in one else ""
        year = f" ({one['year']})" if "year" in one else ""
        doi = f". doi:{one['doi']}" if "doi" in one else ""
        title = " ".join(one["title"].split())
        points.append(f"{who}, {title}{', ' + where if where else ''}{pages}{year}{doi}.")
    return Section("cite", "What to cite", [record["message"]], points)


def _include_validation(paths: Sequence[str]) -> list[Section]:
    """Include the validation page of the repository, with its figures."""
    pages = [Path(one) for one in paths if Path(one).suffix == ".md"]
    if not pages:
        return []
    images = {path.name: path for path in map(Path, paths) if path.suffix == ".svg"}
    source = pages[0].read_text(encoding="utf-8").replace("# Validation\n", "", 1)
    # Links into the repository lead nowhere from this page: their text stays.
    source = re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", source)
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(source)

    def place(found: re.Match) -> str:
        name = Path(found.group(1)).name
        return f'src="{embed("image/svg+xml", images[name])}"' if name in images else 'alt=""'

    html = re.sub(r'src="([^"]+)"', place, html)
    html = re.sub(r"<(/?)h([1-4])>", lambda m: f"<{m[1]}h{int(m[2]) + 1}>", html)
    return [
        Section(
            "validation",
            "Validation",
            [
                "How simulated electrodes compare with published ones, over all recipes that were "
                "made for it; of the code and its material, not of this campaign alone."
            ],
            folded=[{"title": "The whole validation page", "html": Markup(html)}],
        )
    ]
