"""A table of a dataset for people, and where the files of its campaign lie."""

import math
from collections import Counter
from pathlib import Path

from coatline.measure.dataset import INPUTS, Table, read_table

COLUMNS = (
    ("AM", "%", "active_material", ".1f"),
    ("SC", "%", "solid_content", ".1f"),
    ("CR", "%", "compression_rate", ".1f"),
    ("thickness", "µm", "thickness", ".1f"),
    ("porosity", "%", "porosity", ".1f"),
    ("density", "g/cm³", "density", ".2f"),
    ("tortuosity", "-", "tortuosity_factor", ".2f"),
    ("conductivity", "S/m", "effective_electronic_conductivity", ".3g"),
    ("active surface", "%", "active_surface_area", ".1f"),
    ("spring-back", "%", "spring_back", ".1f"),
)
"""Heading, unit, variable, and format of each column."""

MOST = 60
"""Rows that are shown unless all are asked for."""


def format_summary(path: Path, everything: bool = False) -> str:
    """Format a dataset as a table of its samples.

    Args:
        path: `dataset.nc` of a campaign.
        everything: show all samples, however many.

    Returns:
        The table, the count of samples, the causes of failures, and where the files lie.

    Raises:
        InputError: the file cannot be read as a dataset.
    """
    table = read_table(path)
    shown = len(table.sample) if everything else min(MOST, len(table.sample))
    rows = [_format_row(table, index) for index in range(shown)]
    heads = [("sample", ""), *((head, unit) for head, unit, _, _ in COLUMNS), ("status", "")]
    widths = [
        max(len(text) for text in (*head, *(row[i] for row in rows)))
        for i, head in enumerate(heads)
    ]
    lines = [_join([head[k] for head in heads], widths) for k in (0, 1)]
    lines += [_join(row, widths) for row in rows]
    if shown < len(table.sample):
        lines.append(f"… and {len(table.sample) - shown} more; --all shows them")
    return "\n".join([*lines, "", *_count(table), "", *_list_files(path)])


def _format_row(table: Table, index: int) -> list[str]:
    cells = [table.sample[index]]
    for _, unit, name, form in COLUMNS:
        value = float(table.values[name][index]) if name in table.values else math.nan
        if unit == "%" and table.units.get(name, {}).get("units") == "1":
            value *= 100
        cells.append("-" if math.isnan(value) else format(value, form))
    return [*cells, table.status[index]]


def _join(cells: list[str], widths: list[int]) -> str:
    first, *middle, last = [
        cell.ljust(width) if i in (0, len(cells) - 1) else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join([first, *middle, last]).rstrip()


def _count(table: Table) -> list[str]:
    failed = [cause for cause, s in zip(table.cause, table.status, strict=True) if s != "ok"]
    lines = [f"{len(table.sample) - len(failed)} of {len(table.sample)} samples ok"]
    lines += [f"  {number} failed: {cause}" for cause, number in Counter(failed).most_common()]
    if any(name in table.values for name in INPUTS):
        lines.append(
            "AM active material of the solids, SC solid content of the slurry, CR compression rate"
        )
    return lines


def _list_files(path: Path) -> list[str]:
    folder = path.parent
    files = (
        (path, "all properties of all samples, with units"),
        (folder / "calendering_curves.nc", "pressure and porosity of all films under load"),
        (folder / "provenance.json", "what made each result, when and where"),
        (folder / "design" / "design.csv", "recipes"),
        (folder / "manufacture", "particles after each stage, curves of calendering"),
        (folder / "measure", "one file per sample, with profiles over depth"),
        (folder / "learn", "surrogates of the properties, and how good they are"),
        (folder / "optimise", "best recipes, and the electrodes made of them"),
        (folder / "report" / "figures", "figures"),
        (folder / "logs", "logs"),
    )
    there = [(str(file), text) for file, text in files if file.exists()]
    width = max(len(name) for name, _ in there)
    return [f"{name.ljust(width)}  {text}" for name, text in there]
