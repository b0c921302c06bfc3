"""What one electrode costs: `make bench`.

Makes an electrode at the demo's size and one at the paper's on one core, stage by stage, measures
each property by itself, and runs LAMMPS's plain granular contact law on as many equal spheres, so
that speeds can be read as a ratio and not only in the seconds of one machine. Prints a table and
writes results/bench.json. Nothing is asserted: times are facts about a machine and its other users.
"""

import argparse
import json
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):  # before they are imported
    os.environ[f"{library}_NUM_THREADS"] = "1"

ROOT = Path(__file__).resolve().parents[2]
DECKS = ROOT / "workflow" / "lammps"
ACTIVE_MATERIAL, SOLID_CONTENT, COMPRESSION_RATE = 94.0, 60.0, 25.0
QUICK_MASS = 0.0256
"""µg: a square of 16 µm, the smallest electrode that a campaign may make."""
FIRST = "first measurement in a process"
"""Label of what each job pays anew: loading torch and compiled code."""
UNITS = {
    "core_seconds": "s of processor time, user and system, children included",
    "wall_seconds": "s",
    "seconds_in_steps": "s within LAMMPS's time steps by its own clock; the rest is set-up",
    "speed": "particle-steps / core-second",
    "over_plain": "speed over that of LAMMPS's plain granular contact law, same number of spheres",
    "solid_mass": "µg",
    "side": "µm",
    "thickness": "µm",
    "time_step": "µs",
}


def read_clock() -> float:
    """Core-seconds of this process and of its finished children."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in usage)


def measure_cost(what: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Run something; return its core-seconds and wall seconds, and what it returned."""
    wall, cores = time.perf_counter(), read_clock()
    value = what()
    cost = {"core_seconds": read_clock() - cores, "wall_seconds": time.perf_counter() - wall}
    return cost, value


def say(text: str = "") -> None:
    """Print at once."""
    print(text, flush=True)


def load_plan(name: str, mass: float | None, folder: Path) -> Any:
    """The plan of config/<name>.yaml, with another solid mass (µg) if given."""
    from coatline.campaign.plan import make_plan
    from coatline.yaml_file import read_yaml

    path = ROOT / "config" / f"{name}.yaml"
    mapping = read_yaml(path)
    if mass is not None:
        mapping["electrode"]["solid_mass"] = mass
    return make_plan(mapping, str(path), results=folder)


def make_electrode(
    plan: Any,
    engine: Any,
    folder: Path,
    active_material: float = ACTIVE_MATERIAL,
    solid_content: float = SOLID_CONTENT,
    compression_rate: float = COMPRESSION_RATE,
) -> dict[str, Any]:
    """Make one electrode; cost, steps and speed of each stage."""
    from coatline.design.grid import grid_points, start_point
    from coatline.manufacture.record import read_results, read_series_of, read_status
    from coatline.manufacture.stages import calender_film, dry_film, make_slurry, press_film
    from coatline.manufacture.state import read_state

    def at(name: str) -> Path:
        return folder / name

    grid = [at(f"grid{point:02d}.restart") for point in grid_points(plan.upper_compression)]
    stages: dict[str, tuple[Callable[..., None], Path, dict[str, Any]]] = {
        "slurry": (
            make_slurry,
            at("slurry.nc"),
            {
                "state": at("slurry.restart"),
                "data": at("slurry.data.gz"),
                "active_material": active_material,
                "solid_content": solid_content,
                "solid_mass": plan.config.electrode.solid_mass,
                "solid_loading": plan.config.electrode.solid_loading,
                "ingredients": plan.ingredients,
                "protocol": plan.protocol("slurry"),
                "seed": plan.seed_of("y00"),
            },
        ),
        "dry": (
            dry_film,
            at("dried.nc"),
            {
                "slurry_state": at("slurry.restart"),
                "slurry_record": at("slurry.nc"),
                "state": at("dried.restart"),
                "data": at("dried.data.gz"),
                "protocol": plan.protocol("drying"),
            },
        ),
        "press": (
            press_film,
            at("press.nc"),
            {
                "dried_state": at("dried.restart"),
                "dried_record": at("dried.nc"),
                "grid": grid,
                "frames": None,
                "upper_compression": plan.upper_compression,
                "protocol": plan.protocol("pressing"),
            },
        ),
        "calender": (
            calender_film,
            at("calender.nc"),
            {
                "pressed_state": grid[start_point(compression_rate)],
                "pressed_record": at("press.nc"),
                "data": at("calendered.data.gz"),
                "compression_rate": compression_rate,
                "protocol": plan.protocol("pressing"),
            },
        ),
    }
    table: dict[str, Any] = {}
    for name, (make, record, arguments) in stages.items():
        say(f"  {name} …")
        shared = {"force_field": plan.force_field, "decks": DECKS, "engine": engine}
        log = at(f"{name}.log")
        cost, _ = measure_cost(lambda: make(record=record, log=log, **shared, **arguments))  # noqa: B023
        status, cause = read_status(record)
        if status != "ok":
            raise SystemExit(f"bench: {name} failed: {cause}")
        results, series = read_results(record), read_series_of(record)
        steps = int(series["step"][-1])
        particles = len(read_state(at("slurry.data.gz")))
        table[name] = cost | {
            "steps": steps,
            "time_step": results["time_step"],
            "simulated_time": float(series["time"][-1]),
            "attempts": int(results["attempts"]),
            "seconds_in_steps": sum_loops(log),
            "particles": particles,
            "speed": particles * steps / cost["core_seconds"],
        }
    return table


def sum_loops(log: Path) -> float:
    """Seconds that LAMMPS spent in time steps, over all runs in a log."""
    text = log.read_text(encoding="utf-8", errors="replace")
    return sum(float(loop) for loop in re.findall(r"^Loop time of (\S+) ", text, re.M))


def measure_properties(plan: Any, folder: Path, start_up: dict[str, Any]) -> dict[str, Any]:
    """Measure one electrode as `measure_electrode` does; cost of each property.

    The first electrode adds the cost of a first measurement to `start_up`.
    """
    import numpy as np

    from coatline.manufacture.record import read_results
    from coatline.manufacture.state import CBD, PORE, read_state
    from coatline.measure.contacts import find_pairs
    from coatline.measure.electrode import PERIODIC, diffusivity_field, measure_electrode
    from coatline.measure.network import solve_network
    from coatline.measure.sample import measure_contacts
    from coatline.measure.surface import sample_surface
    from coatline.measure.taufactor import run_taufactor
    from coatline.measure.transport import solve_transport
    from coatline.measure.volume import paint

    settings = plan.config.measure
    values = measure_contacts(plan.material.conductivities())
    results = read_results(folder / "calender.nc")
    particles, height = read_state(folder / "calendered.data.gz"), results["thickness"]
    table: dict[str, Any] = {}

    def count(name: str, what: Callable[[], Any]) -> Any:
        say(f"  {name} …")
        table[name], value = measure_cost(what)
        return value

    def warm_up() -> None:
        run_taufactor(np.ones((4, 4, 4), bool))
        measure_electrode(
            particles,
            height,
            solid_mass=results["solid_mass"],
            cbd_solid_volume=results["cbd_solid_volume"],
            voxel_size=2.0,
            supersampling=2,
            **values,
        )

    if FIRST not in start_up:
        say(f"  {FIRST} …")
        start_up[FIRST], _ = measure_cost(warm_up)
    count("neighbours", lambda: find_pairs(particles))
    volume = count(
        "voxelising",
        lambda: paint(particles, height, settings.voxel_size, settings.supersampling),
    )
    count(
        "active surface",
        lambda: sample_surface(particles, height, coverage=values["cbd_coverage"]),
    )

    def solve(field: Any, share: Any = None) -> Any:
        return solve_transport(field, volume.spacing, 2, PERIODIC, share)

    count(
        "tortuosity",
        lambda: solve(
            diffusivity_field(volume, values["cbd_diffusivity"]), volume.pore + volume.cbd
        ),
    )
    count("pore tortuosity", lambda: solve(volume.pore, volume.pore))
    bulk = np.where(particles.phase == CBD, *(values["conductivity"][key] for key in ("cbd", "am")))
    count(
        "conductivity",
        lambda: solve_network(particles, height, bulk, values["contact_resistance"]),
    )
    count("TauFactor", lambda: run_taufactor(volume.label == PORE, 2, True, 1))
    return {"voxels": list(volume.label.shape), "thickness": height, "properties": table}


def run_plain(engine: Any, number: int, folder: Path) -> dict[str, float]:
    """Speed of LAMMPS's plain granular contact law on a number of equal spheres."""
    deck = Path(__file__).with_name("granular.lmp")
    command = [*engine.words(), "-in", str(deck), "-log", "none", "-nocite"]
    command += ["-var", "number", str(number)]
    say(f"  plain granular, {number} spheres …")
    text = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout
    seconds, steps = re.findall(r"^Loop time of (\S+) on 1 procs for (\d+) steps", text, re.M)[-1]
    share = float(re.findall(r"^(\S+)% CPU use", text, re.M)[-1]) / 100
    contacts = re.findall(r"result coordination (\S+)", text)[-1]
    cores = float(seconds) * share
    return {
        "core_seconds": cores,
        "steps": int(steps),
        "particles": number,
        "coordination": float(contacts),
        "speed": number * int(steps) / cores,
    }


def measure_start_up(engine: Any) -> dict[str, Any]:
    """Cost of starting what every job starts; the best of three."""
    commands = {
        "python alone": [sys.executable, "-c", "pass"],
        "python with coatline.measure.electrode": [
            sys.executable,
            "-c",
            "import coatline.measure.electrode",
        ],
        "lmp -h": [*engine.words(), "-h"],
    }
    table = {}
    for name, command in commands.items():
        say(f"  {name} …")
        runs = [
            measure_cost(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))[0]  # noqa: B023
            for _ in range(3)
        ]
        table[name] = min(runs, key=lambda cost: cost["core_seconds"])
    return table


def show_electrode(name: str, row: dict[str, Any]) -> None:
    """Print the tables of one electrode."""
    plain = row["plain_granular"]
    particles, side = plain["particles"], row["side"]
    say(f"\n{name}: {row['solid_mass']:g} µg, {side:.1f} µm wide, {particles} particles")
    titles = f"{'core-s':>9}{'in steps':>9}{'steps':>9}{'particle-steps/s':>18}{'over plain':>12}"
    say(f"{'stage':<32}{titles}")
    for stage, cost in row["stages"].items():
        note = f"  {cost['attempts']} attempts" if cost["attempts"] > 1 else ""
        say(
            f"{stage:<32}{cost['core_seconds']:>9.2f}"
            f"{cost['seconds_in_steps']:>9.2f}{cost['steps']:>9d}"
            f"{cost['speed']:>18.3g}{cost['over_plain']:>12.2f}{note}"
        )
    say(
        f"{'plain granular':<32}{plain['core_seconds']:>9.2f}{'':>9}{plain['steps']:>9d}"
        f"{plain['speed']:>18.3g}{1:>12.2f}  {plain['coordination']:.1f} contacts each"
    )
    say(f"{'property (' + ' × '.join(map(str, row['voxels'])) + ' voxels)':<32}{'core-s':>9}")
    for label, cost in row["properties"].items():
        say(f"{label:<32}{cost['core_seconds']:>9.2f}")
    total = row["core_seconds"]
    say(f"{'whole electrode':<32}{total['all']:>9.2f}")
    say(f"{'  of it once per slurry':<32}{total['per_slurry']:>9.2f}")
    say(f"{'  of it for each compression':<32}{total['per_compression']:>9.2f}")


def run_electrode(
    name: str, mass: float | None, folder: Path, start_up: dict[str, Any]
) -> dict[str, Any]:
    """All that is measured of one electrode."""
    from coatline.manufacture.engine import Engine

    folder.mkdir(parents=True, exist_ok=True)
    plan = load_plan(name, mass, folder)
    engine = Engine(plan.config.engine.command, plan.config.engine.launcher, 1)
    electrode = plan.config.electrode
    say(f"{name}: one electrode of {electrode.solid_mass:g} µg")
    stages = make_electrode(plan, engine, folder)
    measured = measure_properties(plan, folder, start_up)
    plain = run_plain(engine, stages["slurry"]["particles"], folder)
    for cost in stages.values():
        cost["over_plain"] = cost["speed"] / plain["speed"]
    slurry = sum(stages[stage]["core_seconds"] for stage in ("slurry", "dry", "press"))
    costs = [start_up[FIRST], stages["calender"], *measured["properties"].values()]
    sample = sum(cost["core_seconds"] for cost in costs)
    return {
        "active_material": ACTIVE_MATERIAL,
        "solid_content": SOLID_CONTENT,
        "compression_rate": COMPRESSION_RATE,
        "solid_mass": electrode.solid_mass,
        "side": electrode.side,
        "stages": stages,
        **measured,
        "plain_granular": plain,
        "core_seconds": {"all": slurry + sample, "per_slurry": slurry, "per_compression": sample},
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help=f"one electrode of {QUICK_MASS} µg")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the electrodes here")
    output = ROOT / "results" / "bench.json"
    parser.add_argument("--output", type=Path, default=output, help="JSON file to write")
    arguments = parser.parse_args()

    from coatline.manufacture.engine import Engine

    os.chdir(ROOT)
    report: dict[str, Any] = {
        "units": UNITS,
        "quick": arguments.quick,
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
    }
    say(f"load before: {report['load_before']:.1f} on {report['cores']} cores")
    say("start-up")
    report["start_up"] = measure_start_up(Engine())
    report["electrodes"] = {}
    sizes = {"demo": QUICK_MASS} if arguments.quick else {"demo": None, "paper": None}
    with tempfile.TemporaryDirectory(prefix="coatline-bench-") as temporary:
        base = arguments.keep.resolve() if arguments.keep else Path(temporary)
        for name, mass in sizes.items():
            report["electrodes"][name] = run_electrode(name, mass, base / name, report["start_up"])
    report["load_after"] = os.getloadavg()[0]
    say(f"\n{'start-up':<44}{'core-s':>9}{'wall s':>9}")
    for name, cost in report["start_up"].items():
        say(f"{name:<44}{cost['core_seconds']:>9.2f}{cost['wall_seconds']:>9.2f}")
    for name, row in report["electrodes"].items():
        show_electrode(name, row)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False, allow_nan=False)
    arguments.output.write_text(text + "\n", encoding="utf-8")
    say(f"\nload {report['load_before']:.1f} before and {report['load_after']:.1f} after")
    say(f"written: {arguments.output}")


if __name__ == "__main__":
    main()
