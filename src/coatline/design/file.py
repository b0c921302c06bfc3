"""The design table on disk: written, read back, and compared with the computed one."""

import csv
import io
import math
from pathlib import Path

from coatline.design.table import Design, Sample
from coatline.design.write import replace_file
from coatline.errors import ConfigError

COLUMNS = ("sample", "slurry", "active_material", "solid_content", "compression_rate")


def write_design(path: Path, design: Design) -> None:
    """Write a design as CSV, in %; numbers read back exactly.

    Args:
        path: the file; its folder is made. It is written in one step.
        design: the design.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in design)
    replace_file(Path(path), text.getvalue())


def read_design(path: Path) -> Design:
    """Read a design back.

    Raises:
        ConfigError: the file cannot be read or is no design table; the line names file, line and
            column.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"{path}: the design cannot be read: {reason}") from None
    rows = list(csv.reader(io.StringIO(text)))
    again = "move it away to have it made again"
    if not rows or tuple(rows[0]) != COLUMNS:
        raise ConfigError(f"{path}: is no design table with columns {','.join(COLUMNS)}; {again}")
    samples: dict[str, Sample] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(COLUMNS):
            raise ConfigError(
                f"{path}, line {number}: {len(row)} values for {len(COLUMNS)} columns; {again}"
            )
        if row[0] in samples:
            raise ConfigError(f"{path}, line {number}: sample {row[0]} stands there twice; {again}")
        values = []
        for name, cell in zip(COLUMNS[2:], row[2:], strict=True):
            try:
                values.append(float(cell))
            except ValueError:
                values.append(math.nan)
            if not math.isfinite(values[-1]):
                raise ConfigError(
                    f"{path}, line {number}, column {name} = {cell!r}: must be a number in %; "
                    f"{again}"
                )
        samples[row[0]] = Sample(row[0], row[1], *values)
    return Design(tuple(samples.values()))


def check_design(path: Path, design: Design) -> None:
    """Check that a design on disk does not contradict the computed one.

    Samples of one that the other lacks are fine: the design has grown, or fewer are asked for now.

    Args:
        path: of `design.csv`; nothing is checked where it is missing.
        design: the computed design.

    Raises:
        ConfigError: a sample has another recipe or slurry on disk than the config gives now; the
            line names file, sample, column, both values, and what to do.
    """
    if not Path(path).exists():
        return
    computed = design.by_sample
    different = []
    for row in read_design(path):
        now = computed.get(row.sample)
        if now is not None and now != row:
            name = next(name for name in COLUMNS if getattr(row, name) != getattr(now, name))
            different.append((row.sample, name, getattr(row, name), getattr(now, name)))
    if different:
        sample, name, old, new = different[0]
        more = f" (and {len(different) - 1} more samples)" if len(different) > 1 else ""
        raise ConfigError(
            f"{path}: sample {sample}: {name} is {old} there, but {new} by the config{more}; give "
            "the new campaign another campaign.name, or restore the config that made this one"
        )
