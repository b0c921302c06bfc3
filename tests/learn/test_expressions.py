from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from coatline.learn.expressions import (
    JAVASCRIPT,
    LATEX,
    OPERATORS,
    PYTHON,
    TEXT,
    Input,
    Operation,
    check_names,
    from_json,
)
from tests.learn.notations import latex_to_text, read_text

EXACT = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "square": lambda a: a * a,
    "cube": lambda a: a * a * a,
    "inverse": lambda a: 1 / a,
    "abs_difference": lambda a, b: abs(a - b),
}
"""Operations that rational numbers know: what is written must mean exactly the same."""

SOME = {"a": Fraction(3, 7), "b_x": Fraction(-5, 2), "c": Fraction(11, 3)}


def trees(operators):
    def grow(smaller):
        return st.one_of(
            st.builds(Operation, st.just(name), st.tuples(*[smaller] * len(OPERATORS[name].needs)))
            for name in operators
        )

    return st.recursive(st.sampled_from([Input(name) for name in SOME]), grow, max_leaves=8)


def exact(expression):
    if isinstance(expression, Input):
        return SOME[expression.name]
    return EXACT[expression.operator](*map(exact, expression.arguments))


@given(trees(sorted(EXACT)))
def test_brackets_leave_no_doubt(expression):
    try:
        value = exact(expression)
    except ZeroDivisionError:
        assume(False)
    names = SOME | {"abs": abs}
    written = [expression.write(TEXT)[0].replace("^", "**"), expression.write(PYTHON)[0]]
    written.append(latex_to_text(expression.write(LATEX)[0]))
    # "1/2" must not become a float.
    for text in written:
        text = text.replace("1/", "one/").replace("((1)/", "((one)/")
        assert eval(text, {"__builtins__": {}}, names | {"one": Fraction(1)}) == value, text


@given(trees(sorted(OPERATORS)))
def test_json_gives_the_same_tree(expression):
    assert from_json(expression.to_json()) == expression


QUOTIENT = r"\frac{\mathrm{a}}{\frac{\mathrm{a}}{\mathrm{c}}}"
POWERS = r"\left(\mathrm{a}^{2}\right)^{2}"
ROOT = r"\sqrt[3]{\ln\left(\mathrm{b\_x}\right)}"
DIFFERENCE = r"\mathrm{a} - \left(\mathrm{a} + \mathrm{c}\right)"
DISTANCE = r"\left|\mathrm{a} - \mathrm{c}\right|"
DECAY = r"\exp\left(-\mathrm{a}^{2}\right)"


@pytest.mark.parametrize(
    ("tree", "text", "latex", "javascript"),
    [
        (["divide", "a", ["divide", "a", "c"]], "a/(a/c)", QUOTIENT, "a/(a/c)"),
        (["square", ["square", "a"]], "(a^2)^2", POWERS, "(a**2)**2"),
        (["subtract", "a", ["add", "a", "c"]], "a - (a + c)", DIFFERENCE, "a - (a + c)"),
        (["exp_negative", ["square", "a"]], "exp(-(a^2))", DECAY, "Math.exp(-(a**2))"),
        (["cbrt", ["log", "b_x"]], "cbrt(log(b_x))", ROOT, "Math.cbrt(Math.log(b_x))"),
        (["abs_difference", "a", "c"], "abs(a - c)", DISTANCE, "Math.abs(a - c)"),
    ],
)
def test_notations(tree, text, latex, javascript):
    expression = from_json(tree)
    assert expression.write(TEXT)[0] == text
    assert expression.write(LATEX)[0] == latex
    assert expression.write(JAVASCRIPT)[0] == javascript


def test_short_symbols():
    expression = from_json(["multiply", "active_material", "solid_content"])
    assert expression.write(TEXT, {"active_material": "AM"})[0] == "AM*solid_content"
    assert expression.write(LATEX, {"active_material": "AM"})[0] == (
        r"\mathrm{AM}\,\mathrm{solid\_content}"
    )


def test_value_size_and_names():
    expression = from_json(["add", ["cube", "a"], ["cbrt", "c"]])
    values = {"a": np.array([1.0, -2.0]), "c": np.array([8.0, -27.0])}
    assert expression.evaluate(values).tolist() == [3.0, -11.0]
    assert np.allclose(read_text(expression.write(TEXT)[0], values), [3.0, -11.0])
    assert expression.nodes == 5
    assert expression.names() == {"a", "c"}


def test_immutable_and_hashable():
    one, other = (from_json(["divide", "a", "c"]) for _ in range(2))
    assert one == other and hash(one) == hash(other)
    with pytest.raises(AttributeError):
        one.operator = "add"


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        (["power", "a", "c"], "no operator 'power'"),
        (["add", "a"], "add takes 2 arguments, not 1"),
        (["sqrt", "a", "c"], "sqrt takes 1 arguments, not 2"),
        ([], "expected a name"),
        (3.0, "expected a name"),
        (["sqrt", 2], "expected a name"),
        ([["add"], "a", "c"], "expected a name"),
    ],
)
def test_refuses_other_trees(tree, message):
    with pytest.raises(ValueError, match=message):
        from_json(tree)


@pytest.mark.parametrize("name", ["", "a b", "1a", "exp", "lambda", "function", "Math", "größe", 3])
def test_refuses_names_that_no_notation_can_hold(name):
    with pytest.raises(ValueError, match="cannot be the name"):
        check_names(["a", name])


def test_refuses_a_name_twice():
    with pytest.raises(ValueError, match="must differ"):
        check_names(["a", "a"])
