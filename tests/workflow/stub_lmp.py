"""Stands in for LAMMPS where physics is not the point: particles stay where they are, squeezed.

It takes the decks' variables and leaves the files that they leave. Environment variables make it
fail for folders whose path holds a text: STUB_BLOW_UP as physics does, STUB_KILL once, as a node
does, STUB_FAULTS once each: "sleep:30@TEXT;exit:3@TEXT;hold:go@TEXT" (s, exit code, a file to wait
for), with marks of what has happened, and that file, in the folder STUB_MARKS; at every attempt
"need:1200@TEXT" (MB). STUB_STATIONS "2@TEXT;1*29@TEXT" makes a run stop at two stations on its way,
and at one after 29 s, before any fault.
"""

import gzip
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path


def read_atoms(path: Path) -> tuple[list[str], list[list[float]]]:
    lines = path.read_text().splitlines()
    start = lines.index("Atoms # sphere") + 2
    return lines[:start], [[float(word) for word in line.split()] for line in lines[start:]]


def write_atoms(path: Path, head: list[str], atoms: list[list[float]]) -> None:
    rows = [f"{a[0]:.0f} {a[1]:.0f} " + " ".join(f"{v:.17g}" for v in a[2:]) for a in atoms]
    path.write_text("\n".join([*head, *rows]) + "\n")


def squeeze(atoms: list[list[float]], top: float) -> list[list[float]]:
    """Bring the film's top to a height, diameters kept."""
    radius = [a[2] / 2 if a[1] < 3 else 0.0 for a in atoms]
    old = max(a[6] + r for a, r in zip(atoms, radius) if r)
    return [
        [*a[:6], r + max(0.0, a[6] - r) * (top - 2 * r) / (old - 2 * r) if r else top]
        for a, r in zip(atoms, radius)
    ]


def find_top(atoms: list[list[float]]) -> float:
    return max(a[6] + a[2] / 2 for a in atoms if a[1] < 3)


def main() -> None:
    words = sys.argv[1:]
    deck = Path(words[words.index("-in") + 1]).stem
    given = {words[i + 1]: words[i + 2] for i, word in enumerate(words) if word == "-var"}
    print("LAMMPS (stub)", flush=True)
    here = str(Path.cwd())
    blow_up, kill = os.environ.get("STUB_BLOW_UP"), os.environ.get("STUB_KILL")
    if blow_up and blow_up in here:
        print("ERROR: Lost atoms: original 10 current 9 (src/thermo.cpp:494)")
        sys.exit(1)
    number = int(re.findall(r"\d+", given["onward"])[0])
    for entry in filter(None, os.environ.get("STUB_STATIONS", "").split(";")):
        what, text = entry.split("@")
        stations, _, seconds = what.partition("*")
        if text in here and number <= int(stations):
            time.sleep(float(seconds or 0))
            shutil.copy(given["packing"] if "packing" in given else given["from"], given["onward"])
            print(f"coatline: station halt turns {number}")
            return
    mark = Path(os.environ.get("STUB_MARK", "mark"))
    if kill and kill in here and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    for number, fault in enumerate(filter(None, os.environ.get("STUB_FAULTS", "").split(";"))):
        what, text = fault.split("@")
        mark = Path(os.environ.get("STUB_MARKS", ".")) / f"fault{number}"
        if text in here and (what.startswith("need:") or not mark.exists()):
            mark.touch()
            suffer(*what.split(":"))
    results = run_deck(deck, given)
    names = "step time height speed pressure_top pressure_bottom kinetic unbalanced coordination"
    Path(given["series"]).write_text(f"{names}\n0 0 9 0 1 1 0 0.1 3\n200 1 8 0 50 50 0 0.01 4\n")
    for name, value in results.items():
        print(f"coatline: result {name} {value:.17g}")
    print("coatline: done")


def suffer(kind: str, size: str) -> None:
    if kind == "exit":
        sys.exit(int(size))
    if kind == "hold":
        end = time.monotonic() + 1500
        while not (Path(os.environ["STUB_MARKS"]) / size).exists() and time.monotonic() < end:
            time.sleep(0.1)
        return
    held = b"x" * (int(size) << 20) if kind == "need" else b""
    time.sleep(10 if held else float(size))  # SLURM looks every two seconds


def run_deck(deck: str, given: dict[str, str]) -> dict[str, float]:
    head, atoms = read_atoms(Path(given["packing"] if "packing" in given else given["from"]))
    if deck == "slurry":
        atoms = squeeze(atoms, 0.95 * find_top(atoms))
        for name in ("slurry.data", "slurry.restart"):
            write_atoms(Path(name), head, atoms)
        return {"height": find_top(atoms)}
    if deck == "dry":
        atoms = [[*a[:2], float(given["dried"]), *a[3:]] if a[1] == 1 else a for a in atoms]
        atoms = squeeze(atoms, 0.7 * find_top(atoms))
        for name in ("dried.data", "dried.restart"):
            write_atoms(Path(name), head, atoms)
        return {"thickness": find_top(atoms)}
    if deck == "press":
        top = find_top(atoms)
        for point in range(int(given["grid_points"]) + 1):
            write_atoms(
                Path(f"grid.{point}.restart"), head, squeeze(atoms, top * (1 - 0.025 * point))
            )
        if int(given["frame_steps"]):
            Path(given["frames"]).write_bytes(gzip.compress(b"frames"))
        return {}
    way = sum(
        float(given[f"{pace}_speed"]) * int(given[f"{pace}_steps"]) * float(given["dt"])
        for pace in ("press", "slow")
    )
    lowest = find_top(atoms) - way
    atoms = squeeze(atoms, 1.02 * lowest)
    write_atoms(Path("calendered.data"), head, atoms)
    return {
        "lowest": lowest,
        "pressure_lowest": 1e4,
        "pressure_collector": 1e4,
        "thickness": find_top(atoms),
    }


if __name__ == "__main__":
    main()
