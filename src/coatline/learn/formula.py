"""Formulas: a constant plus a few expressions with coefficients, or the exponential of that.

A formula knows the box of inputs over which it was proven to have no pole. It is evaluated on
arrays, written as text, LaTeX, Python and JavaScript, and kept as JSON, in which every number comes
back as it was.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from coatline.learn.expressions import (
    JAVASCRIPT,
    LATEX,
    PRODUCT,
    PYTHON,
    TEXT,
    Expression,
    Notation,
    Operation,
    check_names,
    from_json,
)
from coatline.learn.features import box_mapping, check_box

SCALES = ("linear", "log")
"""What a sum of terms stands for: the quantity, or its natural logarithm."""


@dataclass(frozen=True)
class Term:
    """An expression with its coefficient."""

    coefficient: float
    expression: Expression


@dataclass(frozen=True)
class Formula:
    """y = c_0 + Σ c_i d_i (scale linear) or y = exp(c_0 + Σ c_i d_i) (scale log).

    Attributes:
        names: of the inputs, in the order of the columns that `evaluate` takes.
        box: (low, high) of each input.
        intercept: c_0.
        terms: c_i and d_i.
        scale: linear or log.
    """

    names: tuple[str, ...]
    box: tuple[tuple[float, float], ...]
    intercept: float
    terms: tuple[Term, ...]
    scale: str = "linear"

    def __post_init__(self) -> None:
        """Check that the formula has a value in all of the box.

        Raises:
            ValueError: a name, the box, the scale or a number cannot be used, or a term is not
                defined in all of the box.
        """
        check_names(self.names)
        check_box(self.names, self.box)
        if self.scale not in SCALES:
            raise ValueError(f"formula: scale must be linear or log, got {self.scale!r}")
        box = box_mapping(self.names, self.box)
        for term in self.terms:
            unknown = sorted(term.expression.names() - set(self.names))
            if unknown:
                raise ValueError(f"formula: {unknown[0]} is none of {', '.join(self.names)}")
            if not np.isfinite(term.expression.bound(box)).all():
                written = term.expression.write(TEXT)[0]
                raise ValueError(f"formula: {written} is not defined in all of the box")
        for number in (self.intercept, *(term.coefficient for term in self.terms)):
            if not math.isfinite(number):
                raise ValueError(f"formula: coefficients must be finite, got {number}")

    @property
    def nodes(self) -> int:
        """Size of the formula: number of operations and inputs in its expressions."""
        return sum(term.expression.nodes for term in self.terms)

    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        """Value of the formula.

        Args:
            inputs: (..., d) one entry of the last axis for each name.

        Returns:
            (...); finite in all of the box.

        Raises:
            ValueError: the inputs have another number of columns.
        """
        inputs = np.asarray(inputs, dtype=np.float64)
        if inputs.ndim == 0 or inputs.shape[-1] != len(self.names):
            raise ValueError(
                f"formula: expected {len(self.names)} columns ({', '.join(self.names)}), "
                f"got an array of shape {inputs.shape}"
            )
        values = {name: inputs[..., index] for index, name in enumerate(self.names)}
        total = np.full(inputs.shape[:-1], self.intercept)
        for term in self.terms:
            total = total + term.coefficient * term.expression.evaluate(values)
        return np.exp(total) if self.scale == "log" else total

    def bound(self, cuts: int = 8) -> tuple[float, float]:
        """Bounds that the formula keeps in all of the box, proven but not tight.

        Args:
            cuts: pieces that each input is cut into; more pieces give tighter bounds.
        """
        box = box_mapping(self.names, self.box, cuts)
        low = high = np.float64(self.intercept)
        for term in self.terms:
            ends = [term.coefficient * end for end in term.expression.bound(box)]
            low, high = low + np.minimum(*ends), high + np.maximum(*ends)
        least, most = float(np.min(low)), float(np.max(high))
        if self.scale == "log":
            with np.errstate(over="ignore"):
                return float(np.exp(least)), float(np.exp(most))
        return least, most

    def text(self, digits: int | None = None, symbols: Mapping[str, str] | None = None) -> str:
        """Formula as plain text, powers as ^.

        Args:
            digits: of the coefficients; default all, so that nothing is lost.
            symbols: short names of the inputs, such as {"active_material": "AM"}.
        """
        return self._write(TEXT, _decimal(digits), symbols)

    def latex(self, digits: int | None = None, symbols: Mapping[str, str] | None = None) -> str:
        """Formula in LaTeX, for mathematical mode; arguments as of `text`."""
        return self._write(LATEX, _power_of_ten(digits), symbols)

    def python(self, function: str = "predict") -> str:
        """Python source of a function of the inputs, floats in their order; needs only `math`.

        Args:
            function: its name.
        """
        body = self._write(PYTHON, repr)
        return (
            "from math import cbrt, exp, log, sqrt  # noqa: F401\n\n\n"
            f"def {function}({', '.join(self.names)}):\n    return {body}\n"
        )

    def javascript(self, function: str = "predict") -> str:
        """JavaScript source of a function of the inputs, numbers in their order.

        Args:
            function: its name.
        """
        body = self._write(JAVASCRIPT, repr)
        return f"function {function}({', '.join(self.names)}) {{\n  return {body};\n}}\n"

    def to_dict(self) -> dict:
        """The formula in lists, names and numbers, as JSON can hold it without loss."""
        return {
            "names": list(self.names),
            "box": [list(bounds) for bounds in self.box],
            "scale": self.scale,
            "intercept": self.intercept,
            "terms": [
                {"coefficient": term.coefficient, "expression": term.expression.to_json()}
                for term in self.terms
            ],
        }

    @classmethod
    def from_dict(cls, record: Mapping) -> "Formula":
        """Formula of a record as `to_dict` makes it.

        Raises:
            ValueError: the record is none, or its formula is not defined in all of its box.
        """
        try:
            names = tuple(record["names"])
            terms = tuple(
                Term(float(term["coefficient"]), from_json(term["expression"]))
                for term in record["terms"]
            )
            box = check_box(names, record["box"])
            return cls(names, box, float(record["intercept"]), terms, record["scale"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"formula: not a record of a formula: {error!r}") from error

    def _write(
        self,
        notation: Notation,
        number: Callable[[float], str],
        symbols: Mapping[str, str] | None = None,
    ) -> str:
        parts = [number(self.intercept)]
        for term in self.terms:
            sign = "-" if term.coefficient < 0 else "+"
            factor = number(abs(term.coefficient))
            parts.append(f" {sign} " + _write_term(factor, term.expression, notation, symbols))
        total = "".join(parts)
        if self.scale == "linear":
            return total
        if notation == LATEX:
            return rf"\exp\left({total}\right)"
        return f"{notation.function}exp({total})"


def _write_term(
    factor: str,
    expression: Expression,
    notation: Notation,
    symbols: Mapping[str, str] | None,
) -> str:
    """Write a coefficient times an expression; c/x instead of c*1/x."""
    if isinstance(expression, Operation) and expression.operator == "inverse":
        argument, binds = expression.arguments[0].write(notation, symbols)
        if notation == LATEX:
            return rf"\frac{{{factor}}}{{{argument}}}"
        return f"{factor}/{argument}" if binds > PRODUCT else f"{factor}/({argument})"
    text, binds = expression.write(notation, symbols)
    if notation == LATEX:
        return rf"{factor}\,{text}" if binds >= PRODUCT else rf"{factor}\,\left({text}\right)"
    return f"{factor}*{text}" if binds >= PRODUCT else f"{factor}*({text})"


def _decimal(digits: int | None) -> Callable[[float], str]:
    """How to write a number, with some digits or with all."""
    return repr if digits is None else lambda value: f"{value:.{digits}g}"


def _power_of_ten(digits: int | None) -> Callable[[float], str]:
    """How to write a number in LaTeX."""

    def write(value: float) -> str:
        mantissa, _, exponent = _decimal(digits)(value).partition("e")
        return rf"{mantissa} \times 10^{{{int(exponent)}}}" if exponent else mantissa

    return write
