"""What all configuration blocks share: the base model, fields with a unit, percent."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class Block(BaseModel):
    """Base of all blocks: unknown keys, text for numbers and infinite numbers are refused."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=False,
    )


class KeyProblem(ValueError):
    """A value that is wrong for a reason of its own.

    Attributes:
        key: the key below the block that found the problem; empty for the block or field itself.
        problem: what is wrong and what would be right, as the end of "key = value: ".
    """

    def __init__(self, problem: str, key: str = "") -> None:
        super().__init__(problem)
        self.key = key
        self.problem = problem


def describe(
    description: str, default: Any = ..., *, example: Any, unit: str = "", **limits: Any
) -> Any:
    """Make a field with description, unit, range and example.

    Args:
        description: what the value means, in words.
        default: value where the key is left out; none where the key has to be given.
        example: a value that a user could write.
        unit: unit of the value.
        limits: `ge`, `gt`, `le`, `lt`, `pattern`, `min_length` as in `pydantic.Field`.
    """
    extra = {"unit": unit} if unit else {}
    return Field(
        default, description=description, examples=[example], json_schema_extra=extra, **limits
    )


def _make_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


FromList = BeforeValidator(_make_tuple)
"""Lets YAML lists serve for tuples, which cannot be changed afterwards."""


def refuse_fraction(value: Any, name: str) -> None:
    """Refuse a share between 0 and 1 where percent are asked, such as 0.9 for 90 %."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and 0 < value < 1:
        raise KeyProblem(f"looks like a fraction; {name} is in percent: {value * 100:g}")


def percent(name: str, low: float, high: float) -> Any:
    """Type of one value in percent between two limits."""

    def check(value: Any) -> Any:
        refuse_fraction(value, name)
        return value

    return Annotated[float, Field(ge=low, le=high), BeforeValidator(check)]


def percent_range(name: str, low: float, high: float) -> Any:
    """Type of a range [lower, upper] in percent within two limits; lower = upper holds it fixed."""

    def check(value: Any) -> Any:
        numbers = isinstance(value, list | tuple) and len(value) == 2
        numbers = numbers and not any(isinstance(v, bool) for v in value)
        if not numbers or not all(isinstance(v, int | float) for v in value):
            return _make_tuple(value)
        lower, upper = value
        if 0 < upper <= 1:
            wanted = f"[{lower * 100:g}, {upper * 100:g}]"
            raise KeyProblem(f"looks like fractions; {name} is in percent: {wanted}")
        if lower > upper:
            raise KeyProblem(f"is reversed; the lower bound comes first: [{upper}, {lower}]")
        return (lower, upper)

    bound = Annotated[float, Field(ge=low, le=high)]
    return Annotated[tuple[bound, bound], BeforeValidator(check)]
