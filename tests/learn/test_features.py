import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.learn.expressions import OPERATORS, TEXT, Operation
from coatline.learn.features import (
    CHUNK,
    DEFAULT_OPERATORS,
    box_mapping,
    build_features,
    find_distinct,
    is_sound,
    standardise,
)

NAMES = ("active_material", "solid_content", "compression_rate")
BOX = ((85, 97), (55, 72), (2, 37))


@pytest.fixture(scope="module")
def space():
    return build_features(NAMES, BOX)


def write(space):
    symbols = dict(zip(NAMES, ("AM", "SC", "CR"), strict=True))
    return [expression.write(TEXT, symbols)[0] for expression in space.expressions]


def sample(box, count, seed=7):
    low, high = np.array(box, float).T
    share = np.random.default_rng(seed).random((count, len(low)))
    share[: count // 4] = np.round(share[: count // 4])  # corners
    return low + share * (high - low)


def test_rungs_of_one_input():
    names = {"x", "x^2", "x^3", "sqrt(x)", "cbrt(x)", "1/x", "exp(x)", "exp(-x)", "log(x)"}
    space = build_features(["x"], [(1, 2)], rung=1)
    assert {expression.write(TEXT)[0] for expression in space.expressions} == names
    assert space.rung.tolist() == [0] + [1] * 8


def test_counts(space):
    assert [space.count(rung) for rung in (0, 1, 2)] == [3, 37, len(space)]
    assert 2000 < len(space) < 3000
    assert len(build_features(NAMES, BOX, rung=0)) == 3


def test_simpler_first(space):
    assert (np.diff(space.rung) >= 0).all()
    for rung in (0, 1, 2):
        assert (np.diff(space.nodes[space.rung == rung]) >= 0).all()
    assert space.nodes.tolist() == [expression.nodes for expression in space.expressions]


def test_same_again(space):
    again = build_features(NAMES, BOX)
    assert again.expressions == space.expressions


def test_points_of_the_comparison_hardly_matter(space):
    # CR^3 + 1/SC and CR^3 differ by about the tolerance.
    other = build_features(NAMES, BOX, seed=5)
    assert len(set(other.expressions) ^ set(space.expressions)) < 10


def test_a_lower_rung_is_the_start_of_a_higher(space):
    lower = build_features(NAMES, BOX, rung=1)
    assert lower.expressions == space.expressions[: len(lower)]


def test_each_quotient_once_and_in_its_plainest_form(space):
    written = write(space)
    assert "AM*CR/SC" in written or "CR*AM/SC" in written
    for longer in ("AM/SC*CR", "CR/SC*AM", "CR/(SC/AM)", "AM/(SC/CR)", "sqrt(AM^2)", "1/(1/AM)"):
        assert longer not in written
    assert "(AM + SC)/SC" not in written  # AM/SC + 1
    assert "log(SC^2)" not in written  # 2 log(SC)


def test_no_two_are_alike(space):
    values = space.evaluate(sample(BOX, 300))
    vectors, _, length = standardise(values)
    assert (length > 0).all()
    for start in range(0, len(space), 500):
        part = vectors[:, start : start + 500]
        alike = np.abs(part.T @ vectors) > 1 - 1e-13
        rows, columns = np.nonzero(alike)
        # Where scalar products cannot tell, distances do.
        sign = np.sign((part[:, rows] * vectors[:, columns]).sum(axis=0))
        gap = np.linalg.norm(part[:, rows] - sign * vectors[:, columns], axis=0)
        assert (gap[rows + start != columns] > 1e-8).all()


def test_nothing_is_lost():
    names, box, operators = ("x", "y"), ((1, 2), (3, 5)), ("subtract", "divide", "sqrt", "log")
    space = build_features(names, box, rung=2, operators=operators)
    lower = build_features(names, box, rung=1, operators=operators).expressions
    made = []
    for name in operators:
        if len(OPERATORS[name].needs) == 1:
            made += [Operation(name, (one,)) for one in lower]
        else:
            made += [Operation(name, (a, b)) for a in lower for b in lower if a != b]
    interval = box_mapping(names, box)
    points = sample(box, 200)
    columns = dict(zip(names, points.T, strict=True))
    vectors = standardise(space.evaluate(points))[0]
    tried = 0
    for expression in made:
        if is_sound(expression.bound(interval)).all():
            vector, _, length = standardise(expression.evaluate(columns)[:, None])
            if length[0] > 0:
                tried += 1
                distance = np.minimum(
                    ((vectors - vector) ** 2).sum(axis=0), ((vectors + vector) ** 2).sum(axis=0)
                )
                assert distance.min() < 1e-12, expression.write(TEXT)[0]
    assert tried > len(space)


def test_values_are_those_of_the_expressions(space):
    points = sample(BOX, 20)
    columns = dict(zip(NAMES, points.T, strict=True))
    values = space.evaluate(points)
    for index in range(0, len(space), 50):
        assert np.array_equal(values[:, index], space.expressions[index].evaluate(columns))


def test_no_pole_between_samples(space):
    # Each feature on a fine line through the box, where a pole would show as a jump of sign.
    low, high = np.array(BOX, float).T
    for direction in (low, [high[0], low[1], high[2]], [low[0], high[1], high[2]]):
        direction = np.asarray(direction, float)
        line = direction + np.linspace(0, 1, 400)[:, None] * (low + high - 2 * direction)
        assert np.isfinite(space.evaluate(line)).all()


@settings(max_examples=15, deadline=None)
@given(
    edges=st.lists(
        st.tuples(st.floats(-20, 20), st.floats(0.1, 20)), min_size=2, max_size=2, unique=True
    )
)
def test_no_pole_in_any_box(edges):
    box = [(low, low + width) for low, width in edges]
    space = build_features(("x", "y"), box, operators=(*DEFAULT_OPERATORS, "abs_difference"))
    interval = box_mapping(space.names, space.box)
    points = sample(box, 400)
    values = space.evaluate(points)
    assert np.isfinite(values).all()
    for index, expression in enumerate(space.expressions):
        low, high = (end[0] for end in expression.bound(interval))
        assert low <= values[:, index].min() and values[:, index].max() <= high
        for divisor in divisors(expression):
            low, high = (end[0] for end in divisor.bound(interval))
            assert low > 0 or high < 0


def divisors(expression):
    """All expressions that are divided by."""
    if isinstance(expression, Operation):
        if expression.operator in ("divide", "inverse"):
            yield expression.arguments[-1]
        for argument in expression.arguments:
            yield from divisors(argument)


def test_a_pole_between_samples_is_seen():
    # x - y is 0 inside the box but at none of a few samples of it.
    assert "1/(x - y)" in write_all(build_features(("x", "y"), ((5, 6), (1, 4.9)), rung=2))
    assert "1/(x - y)" not in write_all(build_features(("x", "y"), ((5, 6), (1, 5.1)), rung=2))
    assert "sqrt(x - y)" not in write_all(build_features(("x", "y"), ((5, 6), (1, 5.1)), rung=2))


def write_all(space):
    return {expression.write(TEXT)[0] for expression in space.expressions}


def test_differences_are_taken_the_positive_way():
    written = write_all(build_features(("x", "y"), ((1, 4), (5, 6)), rung=2))
    assert "sqrt(y - x)" in written and "log(y - x)" in written


def test_no_overflow_of_percentages(space):
    written = write(space)
    assert "exp(AM)" not in written and "exp(-AM)" not in written
    assert "exp(-CR)" in written and "exp(CR/SC)" in written


def test_an_input_that_stays_is_left_out():
    space = build_features(NAMES, ((90, 90), (55, 72), (2, 37)), rung=1)
    assert all("active_material" not in e.write(TEXT)[0] for e in space.expressions)


def test_distinct_whatever_scale_sign_and_offset():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, 40))
    columns = [a, 3 * a, b, -a + 5, np.full(40, 2.0), a + 1e-3 * b, 1e9 + 1e-9 * b, -2 * b]
    found = find_distinct(np.stack(columns, axis=1))
    assert found.tolist() == [True, False, True, False, False, True, False, False]


def test_distinct_among_many_copies():
    rng = np.random.default_rng(2)
    base = rng.normal(size=(30, 5))
    columns = base[:, rng.integers(0, 5, CHUNK // 10)] * rng.normal(size=CHUNK // 10)
    found = find_distinct(np.hstack([base, columns]))
    assert found.tolist() == [True] * 5 + [False] * (CHUNK // 10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"box": ((85, 97), (55, 72))}, "expected .low, high. for each of active_material"),
        ({"box": ((97, 85), (55, 72), (2, 37))}, "active_material needs finite bounds"),
        ({"box": ((85, np.inf), (55, 72), (2, 37))}, "active_material needs finite bounds"),
        ({"box": ((1, 1), (2, 2), (3, 3))}, "none of .* varies"),
        ({"operators": ("add", "tan")}, "no operator 'tan'"),
        ({"rung": -1}, "rung must be 0 or more"),
        ({"rung": 3}, "rung 3 has .* candidates, more than the limit"),
        ({"names": ("a", "b", "b")}, "names must differ"),
    ],
)
def test_refuses(change, message):
    arguments = {"names": NAMES, "box": BOX} | change
    with pytest.raises(ValueError, match=message):
        build_features(**arguments)
