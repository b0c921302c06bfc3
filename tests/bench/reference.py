"""Do our electrodes reach the state of a longer run? `make bench`, after `make validate`.

Films of 96/69 at 25 % compression beside those of two long reference runs of ours, from the same
slurries: pressed ten times more slowly, and made with half the time step throughout. Compared are
density, both porosities, the number of contacts and the pair distribution: how many neighbours a
particle has within a gap between surfaces. A shift counts against the spread of our own films over
seeds. Prints tables and writes results/bench_reference.json; asserts nothing.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import xarray as xr

from coatline.manufacture.state import AM, CBD, Particles, read_state
from coatline.measure.contacts import find_pairs

ROOT = Path(__file__).resolve().parents[2]
OURS, REFERENCES = "validation-curve", {"validation-slow": "pressed 10 times more slowly",
                                        "validation-half-step": "half the time step"}  # fmt: skip
COMPRESSION_RATE = 25.0
GAPS = np.array([0.0, 0.1, 0.25, 0.5, 1.0, 1.5, 2.0])
"""µm between two surfaces, edges of the pair distribution; below 0 is contact."""
KINDS = {"AM-AM": (AM, AM), "AM-CBD": (AM, CBD), "CBD-CBD": (CBD, CBD)}
SCALARS = ("density", "porosity", "porosity_without_nanopores", "thickness")


def count_neighbours(film: Particles) -> dict[str, np.ndarray]:
    """Neighbours per particle of the first kind, by gap: in contact, then within each of `GAPS`."""
    pairs = find_pairs(film, GAPS[-1])
    gap = pairs.distance - 0.5 * (film.diameter[pairs.first] + film.diameter[pairs.second])
    one, other = film.phase[pairs.first], film.phase[pairs.second]
    edges = np.concatenate([[-np.inf], GAPS])
    table = {}
    for name, (first, second) in KINDS.items():
        chosen = ((one == first) & (other == second)) | ((one == second) & (other == first))
        ends = 2 if first == second else 1
        counts, _ = np.histogram(gap[chosen], edges)
        table[name] = ends * counts / np.sum(film.phase == first)
    return table


def read_films(results: Path, campaign: str) -> dict[str, np.ndarray]:
    """Values of the films of a campaign, seeds first; each under its name."""
    with xr.open_dataset(results / campaign / "dataset.nc") as data:
        chosen = np.isclose(data["compression_rate"], COMPRESSION_RATE, atol=0.5)
        chosen &= data["status"].values.astype(str) == "ok"
        rows = data.isel(sample=chosen).load()
    values = {name: rows[name].values for name in SCALARS}
    films = [
        read_state(results / campaign / "manufacture" / sample / "calendered.data.gz")
        for sample in rows["sample"].values.astype(str)
    ]
    counts = [count_neighbours(film) for film in films]
    for name in KINDS:
        for index, label in enumerate(["in contact", *(f"within {gap:g} µm" for gap in GAPS[1:])]):
            values[f"{name} {label}"] = np.array([np.sum(c[name][: index + 1]) for c in counts])
    return values


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    arguments = parser.parse_args()
    missing = [
        name
        for name in (OURS, *REFERENCES)
        if not (arguments.results / name / "dataset.nc").exists()
    ]
    if missing:
        print(f"reference: not run: {', '.join(missing)}; make validate makes them")
        return
    ours = read_films(arguments.results, OURS)
    report = {}
    for campaign, label in REFERENCES.items():
        theirs = read_films(arguments.results, campaign)
        print(f"\n{label}, {len(theirs['density'])} films beside {len(ours['density'])}")
        print(f"{'':<28}{'ours':>10}{'spread':>10}{'shift':>10}{'shift/spread':>14}")
        report[campaign] = {}
        for name, value in ours.items():
            spread, shift = value.std(ddof=1), theirs[name].mean() - value.mean()
            print(f"{name:<28}{value.mean():>10.4g}{spread:>10.2g}{shift:>10.2g}"
                  f"{shift / spread if spread else np.nan:>14.2f}")  # fmt: skip
            report[campaign][name] = {
                "ours": value.mean(),
                "spread": spread,
                "reference": theirs[name].mean(),
            }
    output = arguments.results / "bench_reference.json"
    output.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"\nwritten: {output}")


if __name__ == "__main__":
    main()
