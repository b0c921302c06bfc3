import json
import re
import shutil
import subprocess

import numpy as np
import pytest

from coatline.learn.expressions import from_json
from coatline.learn.features import DEFAULT_OPERATORS, build_features
from coatline.learn.formula import Formula, Term
from tests.learn.notations import read_latex, read_text, run_python

NAMES = ("active_material", "solid_content", "compression_rate")
BOX = ((85.0, 97.0), (55.0, 72.0), (2.0, 37.0))
QUOTIENT = from_json(["divide", "active_material", "solid_content"])
SQUARE = from_json(["square", "compression_rate"])
INVERSE = from_json(["inverse", "compression_rate"])


def make(*terms, intercept=5.0, scale="linear", box=BOX):
    return Formula(NAMES, box, intercept, tuple(Term(*term) for term in terms), scale)


def sample(count, seed=3):
    low, high = np.array(BOX).T
    return low + (high - low) * np.random.default_rng(seed).random((count, 3))


@pytest.fixture(scope="module")
def formulas():
    """Formulas of random features with all operators, linear and log."""
    space = build_features(NAMES, BOX, operators=(*DEFAULT_OPERATORS, "abs_difference"))
    rng, made = np.random.default_rng(4), []
    used = set()
    for index in range(150):
        chosen = rng.choice(len(space), size=1 + index % 3, replace=False)
        size = np.abs(space.evaluate(sample(50))[:, chosen]).max(axis=0)
        coefficients = rng.normal(size=len(chosen)) / size
        terms = [(float(c), space.expressions[k]) for c, k in zip(coefficients, chosen)]
        made.append(make(*terms, intercept=rng.normal(), scale=("linear", "log")[index % 2]))
        used |= set(re.findall(r'"(\w+)"', json.dumps(made[-1].to_dict())))
    assert used >= {*DEFAULT_OPERATORS, "abs_difference"}
    return made


def assert_same(formula, found, points):
    """Equal to 1e-12 of the largest part of the sum, or relative to the exponential of it."""
    values = dict(zip(NAMES, points.T, strict=True))
    parts = [term.coefficient * term.expression.evaluate(values) for term in formula.terms]
    size = np.abs(formula.intercept) + np.sum(np.abs(parts), axis=0)
    expected = formula.evaluate(points)
    if formula.scale == "log":
        size = expected * np.maximum(size, 1)
    assert (np.abs(found - expected) <= 1e-12 * size).all(), formula.text()


def test_text_means_the_formula(formulas):
    points = sample(40)
    for formula in formulas:
        values = dict(zip(NAMES, points.T, strict=True))
        assert_same(formula, read_text(formula.text(), values), points)


def test_latex_means_the_formula(formulas):
    points = sample(40)
    for formula in formulas:
        values = dict(zip(NAMES, points.T, strict=True))
        assert_same(formula, read_latex(formula.latex(), values), points)


def test_python_means_the_formula(formulas):
    points = sample(10)
    for formula in formulas:
        assert_same(formula, run_python(formula.python(), points), points)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node to run JavaScript")
def test_javascript_means_the_formula(formulas, tmp_path):
    points = sample(10)
    lines = [f"const rows = {json.dumps(points.tolist())};", "const all = [];"]
    for index, formula in enumerate(formulas):
        lines += [
            formula.javascript(f"f{index}"),
            f"all.push(rows.map((row) => f{index}(...row)));",
        ]
    lines.append("console.log(JSON.stringify(all));")
    script = tmp_path / "formulas.js"
    script.write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run(["node", script], capture_output=True, text=True, check=True, timeout=60)
    for formula, found in zip(formulas, json.loads(done.stdout), strict=True):
        assert_same(formula, np.array(found), points)


def test_json_round_trip_is_exact(formulas):
    points = sample(40)
    for formula in formulas:
        again = Formula.from_dict(json.loads(json.dumps(formula.to_dict())))
        assert again == formula
        assert np.array_equal(again.evaluate(points), formula.evaluate(points))


def test_bounds_hold_and_tighten(formulas):
    points = sample(500)
    for formula in formulas[:40]:
        value = formula.evaluate(points)
        wide, tight = formula.bound(1), formula.bound(6)
        assert wide[0] <= tight[0] * (1 + 1e-12 * np.sign(tight[0]))
        assert wide[1] >= tight[1] * (1 - 1e-12 * np.sign(tight[1]))
        assert tight[0] <= value.min() and value.max() <= tight[1]
    difference = make((1.0, QUOTIENT), (-1.0, QUOTIENT))
    assert np.ptp(difference.bound(8)) < 0.3 * np.ptp(difference.bound(1))


def test_how_it_reads():
    symbols = dict(zip(NAMES, ("AM", "SC", "CR"), strict=True))
    formula = make((3.2, QUOTIENT), (-0.7, SQUARE), (2e-7, INVERSE))
    assert formula.text(symbols=symbols) == "5.0 + 3.2*AM/SC - 0.7*CR^2 + 2e-07/CR"
    assert formula.latex(symbols=symbols) == (
        r"5.0 + 3.2\,\frac{\mathrm{AM}}{\mathrm{SC}} - 0.7\,\mathrm{CR}^{2}"
        r" + \frac{2 \times 10^{-7}}{\mathrm{CR}}"
    )
    assert make((1 / 3, QUOTIENT), scale="log").text(3, symbols) == "exp(5 + 0.333*AM/SC)"
    total = make((-1.5, from_json(["add", NAMES[0], NAMES[1]])))
    assert total.text(symbols=symbols) == "5.0 - 1.5*(AM + SC)"
    assert formula.python("density").splitlines()[-2] == (
        "def density(active_material, solid_content, compression_rate):"
    )


def test_evaluates_grids_and_single_recipes():
    formula = make((3.2, QUOTIENT), (-0.7, SQUARE))
    assert formula.evaluate([90.0, 60.0, 10.0]) == pytest.approx(5 + 3.2 * 1.5 - 70)
    grid = sample(24).reshape(2, 3, 4, 3)
    assert formula.evaluate(grid).shape == (2, 3, 4)
    assert formula.nodes == 5


@pytest.mark.parametrize("inputs", [3.0, [1.0, 2.0], np.ones((4, 2))])
def test_refuses_other_columns(inputs):
    with pytest.raises(ValueError, match="expected 3 columns"):
        make((1.0, SQUARE)).evaluate(inputs)


def test_refuses_a_pole_in_the_box():
    box = (*BOX[:2], (0.0, 37.0))
    with pytest.raises(ValueError, match="1/compression_rate is not defined in all of the box"):
        make((1.0, INVERSE), box=box)
    make((1.0, SQUARE), box=box)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": "sqrt"}, "scale must be linear or log"),
        ({"intercept": float("nan")}, "must be finite"),
        ({"names": ["a", "b", "c"]}, "active_material is none of a, b, c"),
        ({"names": ["a", "b"]}, "expected .low, high."),
        ({"box": [[85, 97], [55, 72], [37, 2]]}, "finite bounds"),
        ({"box": [[85, 97], [55, 72], [-2, 37]]}, "not defined in all of the box"),
        ({"terms": [{"coefficient": 1.0}]}, "not a record"),
        ({"terms": None}, "not a record"),
        ({"terms": [{"coefficient": 1.0, "expression": ["tan", "a"]}]}, "no operator 'tan'"),
    ],
)
def test_refuses_other_records(change, message):
    record = make((1.0, QUOTIENT), (1.0, INVERSE)).to_dict() | change
    with pytest.raises(ValueError, match=message):
        Formula.from_dict(record)


def test_refuses_an_empty_record():
    with pytest.raises(ValueError, match="not a record"):
        Formula.from_dict({})
