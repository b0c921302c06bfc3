"""The grid of pressed states."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatline.design.grid import APPROACH, GRID, grid_below, grid_points, start_point


@pytest.mark.parametrize(
    ("rate", "k"), [(0, 0), (2.4999, 0), (2.5, 1), (2.5001, 1), (4.9999, 1), (5, 2), (37, 14)]
)
def test_known_values(rate, k):
    assert grid_below(rate) == k


@given(st.floats(0, 99.9))
def test_state_is_the_last_one_not_above(rate):
    k = grid_below(rate)
    assert k >= 0
    assert k * GRID <= rate
    assert (k + 1) * GRID > rate


@given(st.integers(1, 39))
def test_next_float_below_a_state_starts_one_lower(k):
    assert grid_below(math.nextafter(k * GRID, 0)) == k - 1
    assert grid_below(math.nextafter(k * GRID, 100)) == k


def test_points_reach_the_upper_compression():
    assert grid_points(37) == list(range(15))
    assert grid_points(0) == [0]
    with pytest.raises(ValueError, match="must be from 0 to 100"):
        grid_below(float("nan"))


@pytest.mark.parametrize(("rate", "k"), [(0, 0), (0.1, 0), (2.5, 0), (2.75, 1), (10, 3), (10.3, 4)])
def test_a_sample_starts_with_an_approach_ahead_of_it(rate, k):
    assert start_point(rate) == k
    assert rate == 0 or rate < APPROACH or rate - GRID * k >= APPROACH - 1e-12


def test_what_is_no_compression_has_no_start():
    for rate in (-0.1, 100.0, float("nan")):
        with pytest.raises(ValueError, match="compression_rate"):
            start_point(rate)
