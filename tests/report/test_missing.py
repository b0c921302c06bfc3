"""What cannot be drawn is a sentence that says why, and no error."""

import numpy as np
import pytest
import xarray as xr

from coatline.measure.dataset import SLABS, Table
from coatline.report.campaign_figures import (
    describe_failures,
    draw_calendering,
    draw_cost,
    draw_failures,
    draw_profiles,
)
from coatline.report.drawing import escape_caption, read_caption, save_drawings
from coatline.report.films import Campaign
from coatline.report.gathered import Best, pick_electrodes
from coatline.report.learning_figures import draw_regression, draw_sobol
from coatline.report.optimum_figures import (
    draw_convergence,
    draw_dependence,
    draw_extremes,
    draw_front,
    draw_optimum,
    estimate_density,
)
from coatline.report.sheets import tabulate_extremes, tabulate_made, tabulate_scores

NOWHERE = Best((91.0, 63.5, 19.5), {}, {}, {}, 0, {"method": "middle of the design"})


def make_table(status):
    count = len(status)
    names = ("active_material", "solid_content", "compression_rate", "density")
    return Table(
        sample=[f"y00c{k}" for k in range(count)],
        status=list(status),
        cause=["" if one == "ok" else "press: Lost atoms" for one in status],
        values={name: np.linspace(1, 2, count) for name in names},
        units={name: {"units": "%"} for name in names},
        profile=np.full((count, 3, SLABS), np.nan),
    )


def test_without_an_objective_each_figure_says_so():
    nothing = xr.Dataset(attrs={"note": "there is no objective"})
    electrodes = pick_electrodes(make_table(["ok", "ok"]))
    drawings = [
        draw_dependence(nothing, NOWHERE),
        draw_convergence(nothing),
        draw_optimum(electrodes, NOWHERE),
        draw_extremes(electrodes, NOWHERE),
        draw_front(nothing, electrodes, NOWHERE),
        draw_regression([]),
        draw_sobol([]),
        draw_cost({}),
        draw_calendering(Campaign("none", [], 0, [])),
    ]
    for drawing in drawings:
        assert drawing.figure.texts[0].get_text() == drawing.caption
        assert any(word in drawing.caption for word in (" no ", "No ", "Nothing", "not", "fewer"))
    assert tabulate_extremes(electrodes, NOWHERE, None).rows == []
    assert tabulate_scores([], None, "test").rows == tabulate_made([], None).rows == []


@pytest.mark.parametrize("status", [["failed"] * 3, ["ok"] * 3, ["ok", "failed", "ok"]])
def test_failures_are_counted(status):
    table = make_table(status)
    bad = status.count("failed")
    said = draw_failures(table).caption
    assert said == describe_failures(table)
    assert said.startswith(f"{bad} of 3" if bad else "None of 3")
    assert ("Lost atoms" in said) == bool(bad)
    assert "no profiles" in draw_profiles(table).caption


@pytest.mark.parametrize(
    "text", ["a*b* `c` |d| _e_ f", r"50\% of {{ x }}", "C_f, y07c3 and n_ ", "10 % ± 2"]
)
def test_captions_come_back_as_they_were(tmp_path, text):
    (tmp_path / "one.rst").write_text(escape_caption(text) + "\n", encoding="utf-8")
    plain = text.strip().replace("{", "(").replace("}", ")")
    assert read_caption(tmp_path / "one.rst") == plain
    assert "{" not in escape_caption(text)


def test_a_figure_of_another_name_is_not_drawn(tmp_path):
    with pytest.raises(KeyError):
        save_drawings({"one": draw_sobol([])}, [tmp_path / "two.svg"])


def test_density_of_values_has_an_area_of_one():
    values = np.random.default_rng(1).normal(3, 0.5, 400)
    points = np.linspace(-2, 8, 2001)
    density = estimate_density(values, points)
    assert density.sum() * (points[1] - points[0]) == pytest.approx(1, abs=1e-6)
    assert points[density.argmax()] == pytest.approx(3, abs=0.2)
