"""All figures, tables and the page of a campaign that never ran."""

import hashlib
import json
import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from coatline.measure.dataset import read_table
from coatline.report.campaign_figures import list_seconds
from coatline.report.contents import FIGURES
from coatline.report.draw import list_sheets
from coatline.report.drawing import read_caption, save_drawings
from coatline.report.explorer import dump_script, pack_structures
from coatline.report.gathered import (
    read_best,
    read_electrodes,
    read_json,
    read_made,
    read_rows,
)
from coatline.report.published import load_published
from coatline.report.sheets import choose_electrodes, tabulate_made
from coatline.report.structures import read_structures
from coatline.report.style import freeze_layout
from tests.report.files import draw_all, gather, list_files, write_report
from tests.report.whole import BOX, make_film

ENDINGS = (".svg", ".pdf")


@pytest.fixture(scope="module")
def page(whole):
    return write_report(whole)


def digest(folder, drawings):
    files = [folder / f"{name}{ending}" for name in drawings for ending in ENDINGS]
    save_drawings(drawings, files)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_figures_are_the_same_bytes_whatever_the_user_has_set(whole, tmp_path):
    gather(whole)
    plain = digest(tmp_path / "plain", draw_all(whole))
    assert len(plain) == len(ENDINGS) * len(FIGURES)
    hostile = {
        "font.size": 23,
        "font.family": "serif",
        "axes.facecolor": "red",
        "axes.grid": False,
        "figure.dpi": 51,
        "lines.linewidth": 9,
        "svg.hashsalt": "another",
        "image.cmap": "hot",
        "text.usetex": False,
        "savefig.bbox": "tight",
        "xtick.labelsize": 3,
        "legend.frameon": True,
    }
    with matplotlib.rc_context(hostile):
        changed = digest(tmp_path / "hostile", draw_all(whole))
    assert changed == plain


ONE_LABEL = ("cost", "distributions", "profiles", "sobol")
"""Figures whose panels share an axis, or have names of things along one."""


def test_every_panel_says_what_it_shows(whole):
    gather(whole)
    for name, drawing in draw_all(whole).items():
        assert drawing.caption.endswith("."), name
        assert re.search(r"\d", drawing.caption), name
        assert not re.search(r"\bnan\b|\binf\b", drawing.caption), name
        panels = [
            axes
            for axes in drawing.figure.axes
            if axes.axison and axes.name != "polar" and not hasattr(axes, "_colorbar")
        ]
        assert panels or name in ("electrodes", "extremes")
        for axes in panels:
            labels = [label for label in (axes.get_xlabel(), axes.get_ylabel()) if label]
            assert len(labels) >= (1 if name in ONE_LABEL else 2), f"{name}: {labels}"
            for label in labels:
                known = [one for one in UNITS_OF if label.startswith(one)]
                assert all(f"({UNITS_OF[one]}" in label for one in known), f"{name}: {label}"


def test_no_text_is_cut_off_and_none_is_too_small_to_read(whole):
    gather(whole)
    for name, drawing in draw_all(whole).items():
        figure = drawing.figure
        canvas = FigureCanvasAgg(figure)
        freeze_layout(figure)
        canvas.draw()
        renderer, (wide, high) = canvas.get_renderer(), figure.bbox.size
        ticks = set().union(*map(_list_ticks, figure.axes))
        for text in figure.findobj(Text):
            if not (text.get_text().strip() and text.get_visible()):
                continue
            assert text.get_fontsize() >= 6.5, f"{name}: {text.get_text()}"
            if text in ticks:
                continue
            box = text.get_window_extent(renderer)
            inside = box.x0 > -1 and box.y0 > -1 and box.x1 < wide + 1 and box.y1 < high + 1
            assert inside, f"{name}: {text.get_text()!r} at {box}"


def _list_ticks(axes):
    """Labels of ticks, of which those beyond the limits are never drawn; not those of spokes."""
    found = set()
    for axis in (axes.xaxis, axes.yaxis, getattr(axes, "zaxis", None)):
        ticks = [*axis.majorTicks, *axis.minorTicks] if axis else []
        found |= {label for tick in ticks for label in (tick.label1, tick.label2)}
        if axis and axes.name == "polar":
            found -= set(axis.get_majorticklabels())
    return found


def test_published_data_are_named_by_their_papers(whole, page):
    gather(whole)
    published = load_published(Path(list_files(whole)["published"]))
    own = {datum.name for datum in published.data}
    drawings = draw_all(whole)
    for name in ("validation", "calendering"):
        figure = drawings[name].figure
        legends = [*figure.legends, *(a.get_legend() for a in figure.axes if a.get_legend())]
        texts = [text.get_text() for legend in legends for text in legend.get_texts()]
        assert texts and not own & set(texts), name
        cited = [one for one in texts if one.split(",")[0] in published.short.values()]
        assert cited, name
        for label in cited:
            source = next(k for k, v in published.short.items() if v == label.split(",")[0])
            assert published.sources[source] in drawings[name].caption
    assert set(published.short) == set(published.sources)


UNITS_OF = {
    "Active material": "%",
    "Active surface area": "%",
    "Compression": "%",
    "Density": "g/cm³",
    "Electronic conductivity": "S/m",
    "Pressure": "MPa",
    "Solid content": "%",
}


def test_captions_state_the_numbers_of_the_files(whole, page):
    captions = {path.stem: read_caption(path) for path in (page.parent / "captions").glob("*.rst")}
    table = read_table(whole / "dataset.nc")
    failed = table.status.count("failed")
    assert failed == 1
    assert f"{failed} of {len(table.sample)} electrodes failed" in captions["failures"]
    best = read_best(whole / "optimise/optimum.json", whole / "optimise/made.csv")
    for name in ("optimum", "dependence"):
        assert all(f"{value:.1f} %" in captions[name] for value in best.recipe)
    density = best.simulated["density"]
    assert f"density {density:.2f} g/cm³" in captions["optimum"]
    front = read_json(whole / "learn/surrogates.json")["samples"]
    assert f"{front['ok']} electrodes" in captions["table_formulas"]
    test = [
        row
        for row in read_rows(whole / "learn/regression.csv")
        if row["set"] == "test" and row["surrogate"] == "sisso" and row["property"] == "density"
    ]
    true, said = (np.array([row[key] for row in test]) for key in ("measured", "predicted"))
    r2 = 1 - ((true - said) ** 2).sum() / ((true - true.mean()) ** 2).sum()
    number = re.search(r"([\d.−]+) for density", captions["regression"]).group(1)
    assert float(number.replace("−", "-")) == pytest.approx(r2, rel=6e-3)


def test_electrodes_of_an_earlier_optimum_are_not_those_of_todays(whole, tmp_path):
    record = read_json(whole / "optimise/optimum.json")
    record["recipe"]["solid_content"] += 1.5
    moved = tmp_path / "optimum.json"
    moved.write_text(json.dumps(record))
    made = whole / "optimise/made.csv"
    assert read_best(whole / "optimise/optimum.json", made).films > 0
    best = read_best(moved, made)
    assert best.films == 0 and best.simulated == {} and best.intervals == {}
    sheet = tabulate_made(read_made(made, best.recipe), None)
    assert all(row[0].startswith("earlier optimum 9") or row[0] != "optimum" for row in sheet.rows)
    assert "of today's no electrode was made" in sheet.caption
    films, dataset = (read_electrodes(whole / name) for name in ("optimise/made.nc", "dataset.nc"))
    assert choose_electrodes(films, dataset, best)[0] is dataset


def test_cost_counts_the_cores_of_each_run():
    runs = {"press": {"seconds": 10.0, "cores": 4, "segments_before": 20.0}}
    made = {"slurries": {"y00": runs}, "samples": {"y00c0": {"measure": {"seconds": 3.0}}}}
    assert list_seconds(made)["press"].tolist() == [30.0]
    assert list_seconds(made, cores=True)["press"].tolist() == [120.0]
    assert list_seconds(made, cores=True)["measure"].tolist() == [3.0]


def test_tables_set_ours_beside_the_published(whole, page):
    sheets = list_sheets(list_files(whole), 10.0)
    scores = read_rows(whole / "learn/table1.csv")
    assert [row[2] for row in sheets["table1"].rows] == [f"{row['r2']:.3f}" for row in scores]
    for row, score in zip(sheets["table1"].rows, scores, strict=True):
        assert ("better" in row[-1]) == (score["r2"] >= float(row[6]))
    recipe = read_json(whole / "optimise/optimum.json")["recipe"]
    shown = [float(row[1]) for row in sheets["table2"].rows[:3]]
    assert shown == pytest.approx(list(recipe.values()), abs=0.05)
    for row in sheets["table2"].rows[:3]:
        assert ("higher" in row[-1]) == (float(row[1]) > float(row[4]))
    # The manufactured electrode is shown with what does not agree in it.
    assert "no target" in sheets["table3"].caption
    made = read_electrodes(whole / "optimise/made.nc")
    thickness = float(sheets["table3"].rows[1][2].split(" ± ")[0])
    assert thickness == pytest.approx(made.values["thickness"].mean(), rel=5e-3)


def test_the_page_is_whole_and_loads_nothing(page):
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 15e6
    for tag in re.findall(r"<(?:img|script|link|iframe)\b[^>]*>", text):
        for source in re.findall(r'(?:src|href)="([^"]*)"', tag):
            assert source.startswith("data:"), source[:80]
    assert "@import" not in text and "url(" not in text.split("<body>")[0]
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    for link in re.findall(r'href="#([^"]+)"', text):
        assert link in ids
    for name in FIGURES:
        assert f'id="figure-{name}"' in text
    for stage in ("slurry", "dry", "press", "calender", "measure"):
        assert re.search(rf"Hashes of code and decks:[^<]*\b{stage} 0000", text)
    for section in ("summary", "explorer", "provenance", "cite", "validation"):
        assert f'<section id="{section}"' in text
    assert "{{" not in text.split("<script")[0]


def test_the_same_files_give_the_same_page(whole, page):
    before = page.read_bytes()
    assert write_report(whole).read_bytes() == before


def test_hostile_text_stays_text():
    assert "<" not in dump_script({"a": "</script><script>alert(1)</script>\u2028"})
    assert json.loads(dump_script(["<&\u2028"])) == ["<&\u2028"]


def test_spheres_are_packed_to_a_thousandth_of_a_micrometre(whole):
    import base64

    gather(whole)
    structures = read_structures(whole / "structures.nc")
    film = structures.films["calendered"]
    stage = next(one for one in pack_structures(structures) if one["title"] == "Calendered")
    words = np.frombuffer(base64.b64decode(stage["spheres"]), "<u2").reshape(-1, 4)
    rows = words * np.array(stage["step"]) + np.array(stage["low"])
    for centre, diameter in zip(film.position, film.diameter, strict=True):
        near = np.abs(rows[:, :3] - centre).max(axis=1)
        best = int(near.argmin())
        assert near[best] < 1e-3
        assert rows[best, 3] == pytest.approx(diameter / 2, abs=1e-3)


def test_of_a_large_film_a_corner_is_kept(monkeypatch):
    from coatline.report import explorer
    from coatline.report.structures import Structures

    monkeypatch.setattr(explorer, "SPHERES", 40)
    film = make_film(count=300)
    (stage,) = pack_structures(Structures("o00c0", (90.0, 60.0, 20.0), {"dried": film}))
    assert stage["size"][0] < film.side[0]
    assert len(stage["phase"]) < 300


def test_a_design_box_of_the_tests_is_that_of_the_surrogates(whole):
    inputs = read_json(whole / "learn/surrogates.json")["inputs"]
    assert {one["name"]: [one["low"], one["high"]] for one in inputs} == BOX


def test_a_campaign_without_anything_learned_has_a_page(whole, tmp_path):
    from coatline.report.page_file import write_page
    from tests.report.files import RANGES, SIZE

    files = list_files(whole)
    sources = {key: files[key] for key in ("dataset", "citation")}
    sources |= {"figures": [], "captions": [], "tables": [], "notes": []}
    output = Path(tmp_path) / "index.html"
    write_page(sources, output, campaign="bare", material="X", fixed={}, ranges=RANGES, size=SIZE)
    text = output.read_text(encoding="utf-8")
    assert "coatline-data" not in text and 'id="explorer"' not in text
    assert "what made it is not known" in text
