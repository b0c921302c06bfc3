"""Figures 2A and 2B."""

import numpy as np
import pytest

from coatline.design.table import make_design
from coatline.report.design_figures import (
    draw_design,
    draw_distributions,
    measure_discrepancy,
    sample_distributions,
    show_distributions,
)
from coatline.report.style import save


def test_three_ways_to_fill_a_square():
    samples = sample_distributions(256, seed=1)
    assert list(samples) == ["Gaussian", "Uniform", "Sobol"]
    for points in samples.values():
        assert points.shape == (256, 2)
        assert points.min() >= 0
        assert points.max() < 1
    # A Sobol sequence of 2^8 points has exactly 16 in each of 16 equal slices.
    for values in samples["Sobol"].T:
        assert np.all(np.histogram(values, 16, (0, 1))[0] == 16)
    gaussian, uniform, sobol = (measure_discrepancy(points) for points in samples.values())
    assert sobol < 0.3 * uniform < 0.3 * gaussian


def test_discrepancy_of_one_point_in_the_middle():
    # Centred L2 with n = 1 at the centre, 2D: (13/12)² - 2 + 1.
    value = measure_discrepancy(np.array([[0.5, 0.5]]))
    assert value == pytest.approx(np.sqrt((13 / 12) ** 2 - 1))


def test_figure_of_distributions_holds_all_points():
    samples = sample_distributions(64)
    figure = draw_distributions(samples)
    assert len(figure.axes) == 3
    for axes, (name, points) in zip(figure.axes, samples.items(), strict=True):
        np.testing.assert_array_equal(axes.collections[0].get_offsets(), points)
        assert name in axes.child_axes[0].get_title()


@pytest.mark.parametrize("kind", ["shared-slurries", "random"])
def test_the_slurries_shown_are_those_of_the_campaign_and_the_first_of_their_sequence(kind):
    design = make_design(kind, seed=3, slurries=5, compressions=2, samples=10)
    ranges = {"active_material": (85, 97), "solid_content": (55, 72), "compression_rate": (2, 37)}
    drawing = show_distributions(design, ranges, kind, 3)
    panel = drawing.figure.axes[2]
    light, dark = (np.asarray(one.get_offsets()) for one in panel.collections)
    made = [(one.active_material, one.solid_content) for one in design.slurries.values()]
    np.testing.assert_allclose(sorted(map(tuple, dark)), sorted(made))
    np.testing.assert_allclose(sorted(map(tuple, light[:5])), sorted(made), atol=1e-4)
    assert panel.get_xlabel() == "Active material (%)" and "5 slurries" in drawing.caption
    assert "seed 3" in drawing.caption


def test_slurries_that_fill_no_plane_are_a_sentence():
    design = make_design("recipes", recipes=[(96, 69, 5), (96, 69, 20)])
    spans = {"active_material": (96, 96), "solid_content": (69, 69), "compression_rate": (5, 20)}
    assert "fill no plane" in show_distributions(design, spans, "recipes").caption


def test_slurries_of_recipes_stand_by_themselves():
    design = make_design("recipes", recipes=[(90, 60, 5), (94, 70, 20)])
    spans = {"active_material": (90, 94), "solid_content": (60, 70), "compression_rate": (5, 20)}
    drawing = show_distributions(design, spans, "recipes")
    assert "Sobol" not in drawing.caption
    assert len(drawing.figure.axes[2].collections[0].get_offsets()) == 2


def test_figure_of_the_design_holds_all_samples_and_units(tmp_path):
    design = make_design("shared-slurries", slurries=5, compressions=3)
    values = np.array([(r.active_material, r.solid_content, r.compression_rate) for r in design])
    figure = draw_design(*values.T, ranges={"compression_rate": (2, 37)})
    box, plane, scale = figure.axes
    np.testing.assert_array_equal(plane.collections[0].get_offsets(), values[:, 1:])
    assert box.get_xlabel() == scale.get_ylabel() == "Active material (%)"
    assert box.get_ylabel() == plane.get_xlabel() == "Solid content (%)"
    assert box.get_zlabel() == plane.get_ylabel() == "Compression rate (%)"
    assert plane.get_ylim()[0] < 2
    assert plane.get_ylim()[1] > 37
    for ending in ("svg", "png"):
        save(figure, tmp_path / f"first.{ending}")
        save(
            draw_design(*values.T, ranges={"compression_rate": (2, 37)}),
            tmp_path / f"second.{ending}",
        )
        first = (tmp_path / f"first.{ending}").read_bytes()
        assert first == (tmp_path / f"second.{ending}").read_bytes()


def test_one_sample_can_be_drawn():
    assert draw_design([90], [60], [20]).axes
