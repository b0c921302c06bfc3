import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coatline.learn import intervals
from coatline.learn.expressions import OPERATORS

NUMBERS = st.floats(-50, 50, allow_nan=False)
SHARES = st.floats(0, 1)


def ends(one, other):
    return np.float64(min(one, other)), np.float64(max(one, other))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("add", [(1, 2), (-5, 3)], (-4, 5)),
        ("subtract", [(1, 2), (-5, 3)], (-2, 7)),
        ("multiply", [(-1, 2), (-5, 3)], (-10, 6)),
        ("divide", [(1, 2), (-4, -2)], (-1, -0.25)),
        ("square", [(-3, 2)], (0, 9)),
        ("square", [(-3, -2)], (4, 9)),
        ("cube", [(-3, 2)], (-27, 8)),
        ("sqrt", [(0, 4)], (0, 2)),
        ("cbrt", [(-8, 27)], (-2, 3)),
        ("inverse", [(-4, -2)], (-0.5, -0.25)),
        ("exp", [(0, 1)], (1, math.e)),
        ("exp_negative", [(0, 1)], (1 / math.e, 1)),
        ("log", [(1, math.e)], (0, 1)),
        ("abs_difference", [(0, 3), (1, 2)], (0, 2)),
        ("abs_difference", [(0, 1), (3, 7)], (2, 7)),
    ],
)
def test_bounds_are_those_of_the_function(name, arguments, expected):
    found = OPERATORS[name].bound(*(ends(*argument) for argument in arguments))
    assert np.allclose(found, expected, rtol=1e-14, atol=1e-14)
    assert found[0] <= expected[0] and found[1] >= expected[1]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("inverse", [(-1, 1)]),
        ("inverse", [(0, 1)]),
        ("inverse", [(-1, 0)]),
        ("divide", [(1, 2), (-1, 1)]),
        ("sqrt", [(-1e-9, 1)]),
        ("log", [(0, 1)]),
        ("log", [(-1, 1)]),
    ],
)
def test_undefined_anywhere_is_nan(name, arguments):
    assert np.isnan(OPERATORS[name].bound(*(ends(*argument) for argument in arguments))).all()


def test_nan_stays():
    lost = np.float64(np.nan), np.float64(np.nan)
    for operator in OPERATORS.values():
        assert np.isnan(operator.bound(*[lost] * len(operator.needs))).all()
    assert np.isnan(intervals.add(lost, ends(0, 1))).all()


@given(
    name=st.sampled_from(sorted(OPERATORS)),
    edges=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=2),
    shares=st.lists(SHARES, min_size=2, max_size=2),
)
def test_every_value_lies_within(name, edges, shares):
    operator = OPERATORS[name]
    count = len(operator.needs)
    boxes = [ends(*edge) for edge in edges[:count]]
    with np.errstate(all="ignore"):
        low, high = operator.bound(*boxes)
    assume(np.isfinite(low) and np.isfinite(high))
    inside = [
        np.float64(min(max(a + share * (b - a), a), b))
        for (a, b), share in zip(boxes, shares, strict=False)
    ]
    assert low <= operator.apply(*inside) <= high
