"""The validation page: from gathered files alone, the same each time, and silent on what is not."""

import re
from pathlib import Path

import numpy as np
import pytest
import yaml

from coatline import cli
from coatline.report.films import read_campaign
from coatline.report.published import load_published
from coatline.report.validation import CHANGES, LAWS, PREFIX, REFERENCE, write_validation
from coatline.report.validation_figures import draw_overview
from tests.report.synthetic import make_campaign, make_electrode, make_rows, write_campaign

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "config" / "published" / "nmc111.yaml"
FIRST = [(96, 69, 0.45)]
OTHERS = [(90, 55, 0.53), (94, 60, 0.487), (90.4, 58.2, 0.52)]
DRIED = [(94, 55, 0.50), (94, 70, 0.47), (90, 65, 0.51), (85, 55, 0.56)]


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("results")

    def write(name, rows, failed=()):
        write_campaign(folder / f"{PREFIX}{name}", rows, failed)

    write("curve", make_rows(FIRST, (0, 10, 15.4, 20, 25, 30, 36.1), seeds=5))
    write("recipes", make_rows(OTHERS, (0, 10, 20, 28.4)))
    write("solid-content", make_rows(DRIED, (0,)))
    write("half-step", make_rows(FIRST, (25,), seeds=5))
    write("large", make_rows([(96, 69, 0.52)], (25,), seeds=3))
    laws = make_rows([(96, 69, 0.45), (90, 55, 0.53)], (0, 10, 20, 30), seeds=2)
    write("elastic", laws, failed={"y01r1c3"})
    return folder


@pytest.fixture(scope="module")
def page(results, tmp_path_factory) -> Path:
    page = tmp_path_factory.mktemp("docs") / "validation.md"
    write_validation(results, FILE, page)
    return page


def section(page, name):
    text = page.read_text(encoding="utf-8")
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL).group(1)


def test_every_datum_stands_beside_ours_with_labels_and_source(page):
    table = section(page, "Every datum")
    for datum in load_published(FILE).data:
        rows = [line for line in table.splitlines() if line.startswith(f"| `{datum.name}` |")]
        assert len(rows) >= len(datum.values), datum.name
        assert all(datum.labels in row and datum.source in row for row in rows), datum.name
    row = next(line for line in table.splitlines() if "`dried-90`" in line)
    assert "| 0.530 | 0.530 ± 0.005 (3) | +0.0 points |" in row.replace("-0.0", "+0.0")


def test_every_target_has_a_verdict(page):
    table = section(page, "Targets")
    rows = [line for line in table.splitlines() if re.match(r"\| \d", line)]
    assert len(rows) >= 17
    ends = [re.search(r"\| (met|\*\*not met\*\*|open) \| (yes|seen|no) \|$", row) for row in rows]
    assert all(ends)
    verdicts = [(end[1], end[2]) for end in ends]
    counted = re.search(r"Of (\d+) targets (\d+) are met, (\d+) are not", page.read_text())
    assert int(counted[1]) == len(rows)
    assert int(counted[2]) == sum(verdict == "met" for verdict, _ in verdicts)
    assert int(counted[3]) == sum(verdict == "**not met**" for verdict, _ in verdicts)
    free = re.search(r"of the (\d+) that no parameter was set on, (\d+) are met", page.read_text())
    assert int(free[1]) == sum(fitted == "no" for _, fitted in verdicts)
    assert int(free[2]) == verdicts.count(("met", "no"))


def test_all_figures_are_there_and_shown(page):
    shown = re.findall(r"\]\((validation/[\w-]+\.svg)\)", page.read_text(encoding="utf-8"))
    assert len(shown) == len(set(shown)) >= 6
    for name in shown:
        assert (page.parent / name).read_bytes().startswith(b"<?xml")
    assert {f"validation/{path.name}" for path in (page.parent / "validation").iterdir()} == set(
        shown
    )


def test_the_same_results_give_the_same_bytes(page, results, tmp_path):
    again = tmp_path / "validation.md"
    write_validation(results, FILE, again)
    assert again.read_bytes() == page.read_bytes()
    for figure in (page.parent / "validation").iterdir():
        assert (tmp_path / "validation" / figure.name).read_bytes() == figure.read_bytes()


def test_sensitivities_mark_what_is_beyond_the_spread(page):
    text = section(page, "Sensitivities")
    rows = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if "|" in line}
    assert "**" not in rows["time step ÷ 2 (5 seeds)"]
    assert "**+7.5" in rows["mass × 4 (3 seeds)"]
    assert rows["voxel ÷ 2"].count("not run") >= 6
    assert "Beyond the spread: dried porosity with mass × 4" in text


def test_contact_laws_count_failures(page):
    rows = [line for line in section(page, "Contact laws").splitlines() if "elastic" in line]
    assert len(rows) == 2 and all("1 of 16" in row for row in rows)
    assert section(page, "Contact laws").count("published set A | not run") == 2


def test_known_disagreements_are_named_with_their_arithmetic(page):
    text = section(page, "Where the data disagree")
    assert (
        "94/60" in text and "+7.5 %" in text
    )  # 2.03 against 1/(.6 (.94/4.65 + .06/1.81) + .4/1.03)
    assert "1.46 → 2.58 without the foil" in text  # 67 / 46 and 67 / 26
    assert "3.50 → 1.80" in text


def test_what_was_not_run_is_named_and_has_no_figures(tmp_path):
    (tmp_path / "results").mkdir()
    page = tmp_path / "docs" / "validation.md"
    write_validation(tmp_path / "results", FILE, page)
    text = page.read_text(encoding="utf-8")
    for name in (*REFERENCE, *CHANGES, *LAWS):
        assert re.search(rf"Campaigns not run: .*\b{name}\b", text)
    assert "± " not in section(page, "Targets").replace("0.530 ± 0.03", "").replace(
        "0.487 ± 0.03", ""
    )
    assert not (page.parent / "validation").exists()
    assert "no reference campaign was run" in section(page, "Figures")


def test_a_campaign_without_its_gathered_files_was_not_run(tmp_path):
    write_campaign(tmp_path / "own", make_rows(FIRST, (0, 10)))
    assert len(read_campaign(tmp_path / "own").films) == 3
    (tmp_path / "own" / "provenance.json").unlink()
    assert read_campaign(tmp_path / "own").films[0].seconds == {}
    (tmp_path / "own" / "calendering_curves.nc").unlink()
    assert read_campaign(tmp_path / "own") is None


def test_the_command_writes_the_page_and_refuses_what_it_cannot(results, tmp_path, capsys):
    page = tmp_path / "page.md"
    assert cli.main(["validate", "--results", str(results), "--out", str(page)]) == 0
    assert page.exists() and (tmp_path / "page").is_dir()
    assert str(page) in capsys.readouterr().out
    assert cli.main(["validate", "--results", str(tmp_path / "gone")]) == 2
    assert "--results" in capsys.readouterr().err
    assert cli.main(["validate", "--results", str(results), "--out", "page.txt"]) == 2
    assert ".md" in capsys.readouterr().err


def test_page_and_campaigns_go_by_the_same_names():
    """Each campaign that the page reads has a configuration, and make validate runs each."""
    folder = ROOT / "config" / "validation"
    names = {path.stem for path in folder.glob("*.yaml")}
    assert names == {*REFERENCE, *CHANGES, *LAWS}
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    listed = re.search(r"^VALIDATION := (.*)$", makefile, re.MULTILINE)[1].split()
    assert set(listed) == names and len(listed) == len(names)
    for name in names:
        config = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
        assert config["campaign"]["name"] == f"{PREFIX}{name}"


def points_in(figure):
    return sum(
        len(collection.get_offsets()) for axes in figure.axes for collection in axes.collections
    )


def test_a_campaign_of_many_recipes_is_drawn_as_points():
    recipes = [(85 + i, 55 + i, 0.55 - 0.01 * i) for i in range(12)]
    films = make_campaign("many", make_rows(recipes, (5, 15, 25), seeds=1)).films
    figure = draw_overview(films, load_published(FILE))
    assert points_in(figure) >= 3 * 12 * 3  # three panels of all electrodes
    assert draw_overview(films, None) is not None


def test_a_campaign_whose_electrodes_all_failed_is_drawn_empty():
    rows = make_rows(FIRST, (0, 10), seeds=1)
    films = make_campaign("none", rows, failed={"y00c0", "y00c1"}).films
    figure = draw_overview(films, load_published(FILE))
    assert len(figure.axes) == 3


def test_synthetic_electrodes_conserve_their_solids():
    """What the other tests stand on."""
    for rate in (0, 10, 30):
        values = make_electrode(0.45, rate, 0.1)
        assert (1 - values["porosity"]) * values["thickness"] == pytest.approx(55)
        reached = (values["thickness"] - values["thickness_lowest"]) / (
            100 - values["thickness_lowest"] or np.nan
        )
        assert rate == 0 or reached == pytest.approx(0.1)
