import numpy as np
import pytest

from coatline.optimise.inverse import find_recipes
from coatline.optimise.objective import Aim, Objective
from tests.optimise.stand_in import BOX, Analytic

AIMS = [
    Aim("density", "maximise", 2.0, 3.0),
    Aim("tortuosity", "minimise", 1.0, 5.0),
    Aim("area", "maximise", 0.0, 1.0),
]
OBJECTIVE = Objective(
    AIMS,
    {
        "density": Analytic(lambda a, s, c: 2 + c),
        "tortuosity": Analytic(lambda a, s, c: 1 + 4 * c),
        "area": Analytic(lambda a, s, c: 4 * (a - 0.5) ** 2),
    },
)


def test_region_of_known_size():
    # c in [0.5, 0.7] by density, at most 0.6 by tortuosity.
    answer = find_recipes(OBJECTIVE, BOX, {"density": (2.5, 2.7), "tortuosity": (None, 3.4)})
    assert answer.miss is None and len(answer.regions) == 1
    (region,) = answer.regions
    assert region.share == pytest.approx(0.1, abs=0.03)
    np.testing.assert_allclose(BOX.to_unit(region.low), [0, 0, 0.5], atol=1e-9)
    np.testing.assert_allclose(BOX.to_unit(region.high), [1, 1, 0.6], atol=1e-9)
    assert region.margin == pytest.approx(0.05, abs=1e-6)
    assert BOX.to_unit(region.recipe)[2] == pytest.approx(0.55, abs=1e-6)
    assert region.properties["density"] == pytest.approx(2.55, abs=1e-6)
    text = answer.describe()
    assert "1 region(s)" in text and "compression_rate 19.5 to 23 %" in text


def test_two_regions_largest_margin_first():
    # 4 (a - 1/2)² ≥ 0.64 where a ≤ 0.1 or a ≥ 0.9; the right one is made safer.
    lopsided = OBJECTIVE.replace(
        {
            **OBJECTIVE.surrogates,
            "area": Analytic(lambda a, s, c: 4 * (a - 0.5) ** 2 + np.where(a > 0.5, 0.1, 0)),
        }
    )
    answer = find_recipes(lopsided, BOX, {"area": (0.64, None)})
    low, high = (BOX.to_unit(region.recipe)[0] for region in answer.regions)
    assert (low, high) == pytest.approx((1, 0), abs=1e-9)
    assert [region.margin for region in answer.regions] == pytest.approx([0.46, 0.36])


def test_region_between_the_points_of_the_grid():
    # c = 0.613 ± 0.001 lies between 0.6 and 0.625.
    answer = find_recipes(OBJECTIVE, BOX, {"density": (2.612, 2.614)})
    (region,) = answer.regions
    assert region.share == 0 and BOX.to_unit(region.recipe)[2] == pytest.approx(0.613, abs=1e-3)
    assert 2.612 <= region.properties["density"] <= 2.614


def test_targets_that_exclude_each_other():
    # density ≥ 2.8 needs c ≥ 0.8, tortuosity ≤ 2 needs c ≤ 0.25: best is the middle, 0.525.
    targets = {"area": (0.1, None), "density": (2.8, None), "tortuosity": (None, 2.0)}
    answer = find_recipes(OBJECTIVE, BOX, targets)
    assert answer.regions == ()
    assert {target.name for target in answer.miss.conflict} == {"density", "tortuosity"}
    assert answer.miss.miss == pytest.approx(0.275, abs=1e-4)
    assert BOX.to_unit(answer.miss.recipe)[2] == pytest.approx(0.525, abs=1e-4)
    assert answer.miss.missed["density"] == pytest.approx(-0.275, abs=1e-3)
    assert answer.miss.missed["tortuosity"] == pytest.approx(1.1, abs=1e-3)
    text = answer.describe()
    assert text.startswith("no recipe meets all targets: density of at least 2.8 and tortuosity of")
    assert "exclude each other" in text and "density 2.525, 0.275 too low" in text


def test_target_out_of_reach_by_itself():
    answer = find_recipes(OBJECTIVE, BOX, {"tortuosity": (1, 5), "density": (3.2, 3.4)})
    assert [target.name for target in answer.miss.conflict] == ["density"]
    assert answer.miss.missed == pytest.approx({"density": -0.2}, abs=1e-6)
    assert "density of 3.2 to 3.4 is out of reach" in answer.describe()


def test_same_again():
    targets = {"density": (2.8, None), "tortuosity": (None, 2.0)}
    assert find_recipes(OBJECTIVE, BOX, targets) == find_recipes(OBJECTIVE, BOX, targets)


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({}, "none is given"),
        ({"strength": (1, 2)}, "'strength' is none of density, tortuosity, area"),
        ({"density": (2.7, 2.5)}, "density must go up, got 2.7 to 2.5"),
        ({"density": (float("nan"), 2.5)}, "density must go up"),
        ({"density": (None, None)}, "open at both ends"),
        ({"density": (2.5,)}, "needs two ends"),
        ({"density": (2500, 2700)}, "2500 to 2700 is far from the 2 to 3 of the dataset"),
        ({"tortuosity": (None, -4)}, "at most -4 is far from the 1 to 5 of the dataset"),
    ],
)
def test_targets_that_cannot_be_used(targets, message):
    with pytest.raises(ValueError, match=message):
        find_recipes(OBJECTIVE, BOX, targets)
