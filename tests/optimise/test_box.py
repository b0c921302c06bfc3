import numpy as np
import pytest

from coatline.optimise.box import Box
from tests.optimise.stand_in import BOX


def test_unit_box_and_back():
    recipes = np.array([[85, 55, 2], [97, 72, 37], [91, 63.5, 19.5]])
    units = BOX.to_unit(recipes)
    np.testing.assert_allclose(units, [[0, 0, 0], [1, 1, 1], [0.5, 0.5, 0.5]])
    np.testing.assert_allclose(BOX.from_unit(units), recipes)


def test_contains_its_faces_and_no_more():
    recipes = [[85, 55, 2], [97, 72, 37], [84.999, 60, 9], [90, 60, 37.001]]
    assert BOX.contains(recipes).tolist() == [True, True, False, False]


def test_rounding_stays_in_the_box():
    box = Box(((85.00003, 97), (55, 72), (2, 36.99996)))
    assert box.round(np.array([85.00003, 60.123456, 36.99996])) == (85.00003, 60.1235, 36.99996)


def test_spread_grows_at_its_end():
    few, many = BOX.spread(5, 3), BOX.spread(40, 3)
    np.testing.assert_array_equal(few, many[:5])
    assert BOX.contains(many).all() and len(np.unique(many, axis=0)) == 40
    assert not np.array_equal(BOX.spread(5, 4), few)
    assert np.abs(BOX.to_unit(BOX.spread(64, 0)).mean(axis=0) - 0.5).max() < 0.02


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        (((85, 97), (55, 72)), "2 ranges for 3 inputs"),
        (((85, 97), (72, 55), (2, 37)), "solid_content must go up, got 72 to 55"),
        (((85, 97), (60, 60), (2, 37)), "solid_content must go up"),
        (((85, float("nan")), (55, 72), (2, 37)), "active_material must go up"),
    ],
)
def test_ranges_that_cannot_be_used(edges, message):
    with pytest.raises(ValueError, match=message):
        Box(edges)
