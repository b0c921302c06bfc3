"""Expressions: immutable trees of operations on named inputs, free of constants.

One tree can be evaluated on arrays, bounded over a box of its inputs, and written in four notations
that mean the same number: text, LaTeX, Python and JavaScript.
"""

import keyword
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from coatline.learn import intervals
from coatline.learn.intervals import Interval

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
"""How tightly a written expression binds; an argument that binds too loosely gets brackets."""


@dataclass(frozen=True)
class Operator:
    """One operation: what it computes, what bounds it has, and how it is written.

    Attributes:
        apply: on arrays; its number of arguments is that of `needs`.
        bound: on intervals.
        code: notation in text, Python and JavaScript; {p} is the sign of a power, {f} stands before
            the name of a function.
        latex: notation in LaTeX.
        binds: how tightly the notation binds, for code and for LaTeX.
        needs: how tightly each argument must bind, for code and for LaTeX.
        commutes: whether the arguments may change places.
    """

    apply: Callable[..., np.ndarray]
    bound: Callable[..., Interval]
    code: str
    latex: str
    binds: tuple[int, int]
    needs: tuple[tuple[int, int], ...]
    commutes: bool = False


def _function(
    apply: Callable[..., np.ndarray], bound: Callable[..., Interval], name: str, latex: str
) -> Operator:
    """Operator that is written as a function of one argument."""
    return Operator(apply, bound, f"{{f}}{name}({{0}})", latex, (ATOM, ATOM), ((SUM, SUM),))


# A minus before a power is an error in JavaScript, so that exp(-x) takes atoms only.
OPERATORS: Mapping[str, Operator] = {
    "add": Operator(
        np.add,
        intervals.add,
        "{0} + {1}",
        "{0} + {1}",
        (SUM, SUM),
        ((SUM, SUM), (PRODUCT, PRODUCT)),
        commutes=True,
    ),
    "subtract": Operator(
        np.subtract,
        intervals.subtract,
        "{0} - {1}",
        "{0} - {1}",
        (SUM, SUM),
        ((SUM, SUM), (PRODUCT, PRODUCT)),
    ),
    "multiply": Operator(
        np.multiply,
        intervals.multiply,
        "{0}*{1}",
        r"{0}\,{1}",
        (PRODUCT, PRODUCT),
        ((PRODUCT, PRODUCT), (POWER, PRODUCT)),
        commutes=True,
    ),
    "divide": Operator(
        np.divide,
        intervals.divide,
        "{0}/{1}",
        r"\frac{{{0}}}{{{1}}}",
        (PRODUCT, PRODUCT),
        ((PRODUCT, SUM), (POWER, SUM)),
    ),
    "square": Operator(
        np.square,
        intervals.square,
        "{0}{p}2",
        "{0}^{{2}}",
        (POWER, POWER),
        ((ATOM, ATOM),),
    ),
    "cube": Operator(
        lambda x: x * x * x,
        intervals.cube,
        "{0}{p}3",
        "{0}^{{3}}",
        (POWER, POWER),
        ((ATOM, ATOM),),
    ),
    "inverse": Operator(
        np.reciprocal,
        intervals.inverse,
        "1/{0}",
        r"\frac{{1}}{{{0}}}",
        (PRODUCT, PRODUCT),
        ((POWER, SUM),),
    ),
    "sqrt": _function(np.sqrt, intervals.sqrt, "sqrt", r"\sqrt{{{0}}}"),
    "cbrt": _function(np.cbrt, intervals.cbrt, "cbrt", r"\sqrt[3]{{{0}}}"),
    "exp": _function(np.exp, intervals.exp, "exp", r"\exp\left({0}\right)"),
    "exp_negative": Operator(
        lambda x: np.exp(-x),
        intervals.exp_negative,
        "{f}exp(-{0})",
        r"\exp\left(-{0}\right)",
        (ATOM, ATOM),
        ((ATOM, PRODUCT),),
    ),
    "log": _function(np.log, intervals.log, "log", r"\ln\left({0}\right)"),
    "abs_difference": Operator(
        lambda a, b: np.abs(a - b),
        intervals.abs_difference,
        "{f}abs({0} - {1})",
        r"\left|{0} - {1}\right|",
        (ATOM, ATOM),
        ((SUM, SUM), (PRODUCT, PRODUCT)),
        commutes=True,
    ),
}
"""All operations, by name."""


@dataclass(frozen=True)
class Notation:
    """A way to write expressions.

    Attributes:
        column: which of an operator's two notations it uses, 0 code or 1 LaTeX.
        power: the sign of a power.
        function: what stands before the name of a function.
    """

    column: int = 0
    power: str = "**"
    function: str = ""


TEXT = Notation(power="^")
PYTHON = Notation()
JAVASCRIPT = Notation(function="Math.")
LATEX = Notation(column=1)


@dataclass(frozen=True)
class Input:
    """A named input."""

    name: str

    @property
    def nodes(self) -> int:
        """Size of the tree, 1."""
        return 1

    def names(self) -> frozenset[str]:
        """Names of the inputs in the tree."""
        return frozenset((self.name,))

    def evaluate(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """The input's values."""
        return values[self.name]

    def bound(self, box: Mapping[str, Interval]) -> Interval:
        """The input's interval."""
        return box[self.name]

    def write(
        self, notation: Notation, symbols: Mapping[str, str] | None = None
    ) -> tuple[str, int]:
        """Write the input, and tell how tightly it binds."""
        name = (symbols or {}).get(self.name, self.name)
        if notation.column == LATEX.column:
            name = rf"\mathrm{{{name.replace('_', chr(92) + '_')}}}"
        return name, ATOM

    def to_json(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True)
class Operation:
    """An operator on expressions."""

    operator: str
    arguments: tuple["Expression", ...]

    def __post_init__(self) -> None:
        """Check the operator and its number of arguments.

        Raises:
            ValueError: there is no such operator, or it takes another number of arguments.
        """
        if self.operator not in OPERATORS:
            known = ", ".join(OPERATORS)
            raise ValueError(f"expression: no operator {self.operator!r}; known are {known}")
        wanted = len(OPERATORS[self.operator].needs)
        if len(self.arguments) != wanted:
            raise ValueError(
                f"expression: {self.operator} takes {wanted} arguments, not {len(self.arguments)}"
            )

    @property
    def nodes(self) -> int:
        """Size of the tree: number of operations and inputs in it."""
        return 1 + sum(argument.nodes for argument in self.arguments)

    def names(self) -> frozenset[str]:
        """Names of the inputs in the tree."""
        return frozenset().union(*(argument.names() for argument in self.arguments))

    def evaluate(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Value of the expression.

        Args:
            values: arrays of float64 of one shape, by name of the input.
        """
        arguments = [argument.evaluate(values) for argument in self.arguments]
        return OPERATORS[self.operator].apply(*arguments)

    def bound(self, box: Mapping[str, Interval]) -> Interval:
        """Bounds of the expression over a box; NaN where it is not defined in all of the box.

        Args:
            box: interval of each input, by name.
        """
        arguments = [argument.bound(box) for argument in self.arguments]
        with np.errstate(over="ignore", invalid="ignore"):
            return OPERATORS[self.operator].bound(*arguments)

    def write(
        self, notation: Notation, symbols: Mapping[str, str] | None = None
    ) -> tuple[str, int]:
        """Write the expression, and tell how tightly what is written binds.

        Args:
            notation: TEXT, LATEX, PYTHON or JAVASCRIPT.
            symbols: what to write for an input, by name; default the name.
        """
        written = [argument.write(notation, symbols) for argument in self.arguments]
        return write_operation(self.operator, written, notation)

    def to_json(self) -> list:
        """The operator and its arguments, as a nested list."""
        return [self.operator, *(argument.to_json() for argument in self.arguments)]


Expression = Input | Operation


def write_operation(
    operator: str, written: Sequence[tuple[str, int]], notation: Notation
) -> tuple[str, int]:
    """Write an operation on arguments that are written already.

    Args:
        operator: its name.
        written: text of each argument, and how tightly that binds.
        notation: of both.
    """
    column, form = notation.column, OPERATORS[operator]
    left, right = ("(", ")") if column == 0 else (r"\left(", r"\right)")
    arguments = [
        text if binds >= needs[column] else f"{left}{text}{right}"
        for (text, binds), needs in zip(written, form.needs, strict=True)
    ]
    template = form.code if column == 0 else form.latex
    text = template.format(*arguments, p=notation.power, f=notation.function)
    return text, form.binds[column]


def from_json(tree: object) -> Expression:
    """Expression of a nested list as `to_json` makes it.

    Raises:
        ValueError: it is no such list.
    """
    if isinstance(tree, str):
        return Input(tree)
    if isinstance(tree, list | tuple) and tree and isinstance(tree[0], str):
        return Operation(tree[0], tuple(from_json(argument) for argument in tree[1:]))
    raise ValueError(f"expression: expected a name or [operator, arguments …], found {tree!r}")


_WORDS = (
    "abs cbrt exp log sqrt Math arguments await break case catch class const continue debugger "
    "default delete do else enum eval export extends false finally for function if implements "
    "import in instanceof interface let new null package private protected public return static "
    "super switch this throw true try typeof undefined var void while with yield"
)
RESERVED = frozenset(_WORDS.split())
"""Words with a meaning of their own in the notations, besides Python's keywords."""


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names that can stand in all notations.

    Raises:
        ValueError: one is used twice, or is no plain identifier.
    """
    names = tuple(names)
    for name in names:
        plain = isinstance(name, str) and name.isidentifier() and name.isascii()
        if not plain or keyword.iskeyword(name) or name in RESERVED:
            raise ValueError(f"inputs: {name!r} cannot be the name of an input in a formula")
    if len(set(names)) != len(names):
        raise ValueError(f"inputs: names must differ, got {', '.join(names)}")
    return names
