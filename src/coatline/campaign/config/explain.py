"""From a pydantic error to one line that names the key, the value and what would be right."""

import difflib
import math
import re
import types
import typing
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_MISSING = object()
_QUOTE = "'"
_SAME_UNIT = {
    "ug": "µg",
    "μg": "µg",
    "um": "µm",
    "μm": "µm",
    "mg/cm2": "mg/cm²",
    "mg/cm^2": "mg/cm²",
}
_NUMBER = re.compile(r"\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*$")


def explain(error: Mapping[str, Any], model: type[BaseModel], mapping: Mapping[str, Any]) -> str:
    """Turn one pydantic error into a line without the file name.

    Args:
        error: one element of `ValidationError.errors()`.
        model: the model that refused the mapping.
        mapping: what the user gave.

    Returns:
        "dotted.key = value: what would be right".
    """
    location = [part for part in error["loc"] if not str(part).startswith("function-")]
    reason = error.get("ctx", {}).get("error")
    owner, field = _find(model, location)
    if error["type"] == "extra_forbidden":
        return f"{_dot(location)}: unknown key; {_suggest_key(location, owner, model)}"
    if error["type"] == "invalid_key":
        return f"{_dot(location[:-1])}: the key {show(location[-1])} is no text; put it in quotes"
    if error["type"] == "missing" and not isinstance(location[-1], int):
        return f"{_dot(location)} is missing: {expect(field)}"
    key = getattr(reason, "key", "")
    if key:
        location = [*location, key]
    elif location and isinstance(location[-1], int) and _is_range(field):
        location = location[:-1]
    value = _get(mapping, location)
    stem = f"{_dot(location)} = {show(value)}" if value is not _MISSING else _dot(location)
    if reason is not None:
        problem = getattr(reason, "problem", str(reason))
        if value is _MISSING or problem.startswith("is missing"):
            return f"{_dot(location)} {problem}"
        return f"{stem}: {problem}"
    return f"{stem}: {_hint(error, value, field)}{expect(field, error['input'])}"


def expect(field: FieldInfo | None, value: Any = None) -> str:
    """Say what a field takes: type, range, unit and an example."""
    if field is None:
        return "must be a block of keys and values"
    kind = _strip(field.annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"must be a block with the keys {', '.join(kind.model_fields)}"
    example = f", e.g. {show(field.examples[0]).strip(_QUOTE)}" if field.examples else ""
    if typing.get_origin(kind) is typing.Literal:
        choices = [str(choice) for choice in typing.get_args(kind)]
        if len(choices) == 1:
            return f"must be {choices[0]}"
        close = difflib.get_close_matches(str(value), choices, 1, 0.5)
        meant = f"; did you mean {close[0]}?" if close else ""
        return f"must be one of {', '.join(choices)}{meant}"
    unit = (field.json_schema_extra or {}).get("unit", "")
    if _is_range(field):
        inner = typing.get_args(_strip(kind))[0]
        limits = _limits(_constraints(inner), unit)
        return f"must be [lower, upper], two numbers {limits}{example}; equal ones keep it fixed"
    words = {float: "a number", int: "a whole number", bool: "true or false"}.get(kind)
    if words:
        return " ".join(f"must be {words} {_limits(field.metadata, unit)}".split()) + example
    if kind is str:
        return f"must be text ({field.description}){example}"
    return f"must be: {field.description}"


def show(value: Any) -> str:
    """Show a value on one line, shortened."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    text = " ".join(repr(list(value) if isinstance(value, tuple) else value).split())
    return text if len(text) <= 60 else text[:57] + "..."


def _hint(error: Mapping[str, Any], value: Any, field: FieldInfo | None) -> str:
    """Name the common slips: a unit written along, text in quotes, yes for true."""
    if error["type"] == "finite_number":
        return "is not finite; "
    if isinstance(value, bool):
        return "is a truth value; "
    if value is None:
        return "has no value; "
    given = error["input"]
    if error["type"] not in ("float_type", "int_type") or not isinstance(given, str):
        return ""
    match = _NUMBER.match(given)
    if not match:
        return "is text; "
    number, written = match.group(1), match.group(2)
    if not written:
        return f"is text; write {float(number)!r} (no quotes, and a point before an exponent); "
    unit = ((field.json_schema_extra or {}) if field else {}).get("unit", "")
    if unit in (written, _SAME_UNIT.get(written)):
        return f"write the number alone, its unit is always {unit}: {number}; "
    return f"write the number alone, in {unit or 'the unit of the key'}; "


def _suggest_key(location: list[Any], owner: type[BaseModel] | None, root: type[BaseModel]) -> str:
    name = str(location[-1])
    known = list(owner.model_fields) if owner else []
    close = difflib.get_close_matches(name.lower().replace("-", "_"), known, 1)
    if close:
        return f"did you mean {close[0]}?"
    for dotted in _all_keys(root):
        if dotted.rpartition(".")[2] == name:
            return f"it belongs to {dotted}" if "." in dotted else f"{name} is a key of its own"
    return f"known keys: {', '.join(known)}"


def _all_keys(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        found.append(prefix + name)
        kind = _strip(field.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += _all_keys(kind, f"{prefix}{name}.")
    return found


def _find(
    model: type[BaseModel], location: list[Any]
) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """Find the model that owns the last named key of a location, and that key's field."""
    owner: type[BaseModel] | None = model
    following: type[BaseModel] | None = model
    field = None
    for part in location:
        if isinstance(part, int):
            continue
        owner = following
        field = owner.model_fields.get(part) if owner else None
        following = _inner_model(field.annotation) if field else None
    return owner, field


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    kind = _strip(annotation)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return kind
    for argument in typing.get_args(kind):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    return None


def _strip(annotation: Any) -> Any:
    """Strip Annotated and `| None` from a type."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _strip(typing.get_args(annotation)[0])
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        rest = [part for part in typing.get_args(annotation) if part is not type(None)]
        return _strip(rest[0])
    return annotation


def _is_range(field: FieldInfo | None) -> bool:
    kind = _strip(field.annotation) if field else None
    return typing.get_origin(kind) is tuple and Ellipsis not in typing.get_args(kind)


def _constraints(annotation: Any) -> list[Any]:
    parts: list[Any] = []
    for extra in typing.get_args(annotation)[1:]:
        parts += extra.metadata if isinstance(extra, FieldInfo) else [extra]
    return parts


def _limits(constraints: list[Any], unit: str) -> str:
    """Say a range in words: "from 0.05 to 5 µm"."""
    found = {
        name: getattr(part, name)
        for part in constraints
        for name in ("ge", "gt", "le", "lt")
        if hasattr(part, name)
    }
    words = []
    if "gt" in found:
        words.append(f"above {found['gt']:g}")
    elif "ge" in found:
        words.append(f"from {found['ge']:g}")
    if "le" in found or "lt" in found:
        upper = found.get("le", found.get("lt"))
        words.append(f"{'up to' if 'gt' in found else 'to'} {upper:.10g}")
    if unit == "share":
        unit = "(a share; 0.9 is 90 %)"
    if unit and unit != "-":
        words.append(unit if words else f"in {unit}")
    return " ".join(words)


def _dot(location: list[Any]) -> str:
    """Join a location to a dotted key; a key with odd characters is quoted, to stay on one line."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if part.isprintable() and part.strip() else f".{part!r}"
    return text.removeprefix(".") or "the file"


def _get(mapping: Any, location: list[Any]) -> Any:
    """Look up what the user gave; keys may hold an index, as in recipes[3]."""
    for part in location:
        name, _, index = str(part).partition("[")
        steps = [part] if isinstance(part, int) else [name]
        if index and not isinstance(part, int):
            steps.append(int(index.rstrip("]")))
        for step in steps:
            try:
                mapping = mapping[step]
            except (KeyError, IndexError, TypeError):
                return _MISSING
    return mapping
