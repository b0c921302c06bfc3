"""The table of faults, gathered from the tests that cause them; COATLINE_FAULTS names its file."""

import json
import os
from pathlib import Path

PLACES = {
    "tests/slurm": "SLURM",
    "tests/workflow": "Snakemake, one machine",
    "tests/campaign": "one result, without Snakemake",
}
"""Where a test causes its faults, by its folder."""


def _note(row: dict[str, object]) -> None:
    path = os.environ.get("COATLINE_FAULTS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def note_fault(fault: str, outcome: str, repeated: str) -> None:
    """Add a row, as it was seen in a test that has just passed its checks."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "")
    where = next(place for folder, place in PLACES.items() if test.startswith(f"{folder}/"))
    _note({"row": [fault, where, outcome, repeated]})


def note_samples(count: int, lost: int) -> None:
    """Count samples that a test has held against those of an undisturbed campaign."""
    _note({"samples": count, "lost": lost})


def count_jobs(names: list[str]) -> str:
    """Jobs that were run once more, in words."""
    few = f": {', '.join(sorted(set(names)))}" if names else ""
    return f"{len(names)} job{'' if len(names) == 1 else 's'}{few}"


def write_table(rows: Path, page: Path) -> None:
    """Write the page of faults from the rows of a test run."""
    found = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    samples = sum(one.get("samples", 0) for one in found)
    lost = sum(one.get("lost", 0) for one in found)
    assert samples and not lost, f"{lost} of {samples} samples were lost"
    lines = [
        "# Faults",
        "",
        "What the tests do to campaigns, and what came of it. SLURM is a real one, of one node.",
        "Written by `make faults`; a row is there only if its test passed.",
        "",
        "| fault | where | outcome | work repeated |",
        "|---|---|---|---|",
        *(f"| {' | '.join(one['row'])} |" for one in found if "row" in one),
        f"| all of these | | of {samples} electrodes compared with those of undisturbed campaigns, "
        f"all variables bit for bit, results lost: {lost} | |",
    ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    import sys

    write_table(Path(sys.argv[1]), Path(sys.argv[2]))
