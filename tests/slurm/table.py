"""The table of faults, gathered from the tests that cause them; COATLINE_FAULTS names its file."""

import json
import os
from pathlib import Path


def note_fault(fault: str, outcome: str, repeated: str) -> None:
    """Add a row, as it was seen in a test that has just passed its checks."""
    path = os.environ.get("COATLINE_FAULTS")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([fault, outcome, repeated]) + "\n")


def write_table(rows: Path, page: Path) -> None:
    """Write the page of faults from the rows of a test run."""
    text = [json.loads(line) for line in rows.read_text(encoding="utf-8").splitlines()]
    lines = [
        "# Faults",
        "",
        "What the tests do to a campaign on a real SLURM of one node, and what came of it.",
        "Written by `make faults`; a row is there only if its test passed.",
        "",
        "| fault | outcome | work repeated |",
        "|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in text),
    ]
    page.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    import sys

    write_table(Path(sys.argv[1]), Path(sys.argv[2]))
