"""The user's own recipes from a CSV file."""

import csv
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from coatline.campaign.config.design import Recipe
from coatline.campaign.config.explain import expect, show
from coatline.errors import ConfigError

COLUMNS = tuple(Recipe.model_fields)


def read_recipes(path: Path) -> list[dict[str, float]]:
    """Read recipes from a CSV file with the columns of `Recipe`, in %.

    Args:
        path: the file; a comment line begins with #, empty lines are skipped.

    Returns:
        One mapping per row.

    Raises:
        ConfigError: the file cannot be read, a column is missing or unknown, or a value is wrong;
            the line names file, line, column, value and what would be right.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{path}: the recipes cannot be read: {reason}") from None
    lines = [
        (number, line)
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip(" ,;\t") and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise ConfigError(f"{path}: is empty; begin with the line {','.join(COLUMNS)}")
    header = [name.strip() for name in _split(path, *lines[0])]
    _check_header(path, lines[0][0], header)
    if len(lines) == 1:
        raise ConfigError(f"{path}: holds no recipe; give one per line: {','.join(COLUMNS)}")
    return [
        _read_row(path, number, header, _split(path, number, line)) for number, line in lines[1:]
    ]


def _split(path: Path, number: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True))
    except csv.Error as error:
        raise ConfigError(f"{path}, line {number}: is no CSV ({error})") from None


def _check_header(path: Path, number: int, header: list[str]) -> None:
    expected = ",".join(COLUMNS)
    if len(header) == 1 and ";" in header[0]:
        raise ConfigError(f"{path}, line {number}: put commas between columns, not ;: {expected}")
    for name in COLUMNS:
        if header.count(name) != 1:
            wrong = "is missing" if name not in header else "stands there twice"
            raise ConfigError(
                f"{path}, line {number}: column {name} {wrong}; the header must be {expected}, got "
                f"{show(','.join(header))}"
            )
    for name in header:
        if name not in COLUMNS:
            raise ConfigError(
                f"{path}, line {number}: unknown column {show(name)}; the columns are {expected}"
            )


def _read_row(path: Path, number: int, header: list[str], cells: list[str]) -> dict[str, float]:
    if len(cells) != len(header):
        raise ConfigError(
            f"{path}, line {number}: {len(cells)} values for the {len(header)} columns "
            f"{','.join(header)}; write decimals with a point"
        )
    row: dict[str, Any] = {}
    for name, cell in zip(header, cells, strict=True):
        try:
            row[name] = float(cell.strip())
        except ValueError:
            what = expect(Recipe.model_fields[name])
            raise ConfigError(
                f"{path}, line {number}, column {name} = {show(cell.strip())}: {what}"
            ) from None
    try:
        Recipe.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        reason = first.get("ctx", {}).get("error")
        what = getattr(reason, "problem", "") or expect(Recipe.model_fields[name])
        raise ConfigError(
            f"{path}, line {number}, column {name} = {show(row[name])}: {what}"
        ) from None
    return row
