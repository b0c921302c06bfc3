"""How cost and memory grow with the number of particles: `make bench`.

Slurries of 96/69 of growing mass are made and voxelised, each in a process of its own, up to 1e5
particles. Prints core-seconds per particle and step, constant where cost is linear, and the peak
memory of LAMMPS and of Python; writes results/bench_scaling.json; asserts nothing.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import electrode as bench  # sets threads before numerical libraries are loaded

MASSES = (0.1, 0.9, 8.4)
"""µg."""
RECIPE = {"active_material": 96.0, "solid_content": 69.0}


def make(mass: float, folder: Path) -> dict[str, Any]:
    """Make and voxelise one slurry; particles, steps, core-seconds and memory."""
    from coatline.manufacture.engine import Engine
    from coatline.manufacture.record import read_results, read_series_of
    from coatline.manufacture.stages import make_slurry
    from coatline.manufacture.state import read_state
    from coatline.measure.volume import paint

    plan = bench.load_plan("paper", mass, folder)
    cost, _ = bench.measure_cost(
        lambda: make_slurry(
            state=folder / "slurry.restart",
            record=folder / "slurry.nc",
            data=folder / "slurry.data.gz",
            **RECIPE,
            solid_mass=mass,
            solid_loading=plan.config.electrode.solid_loading,
            ingredients=plan.ingredients,
            force_field=plan.force_field,
            protocol=plan.protocol("slurry"),
            seed=1,
            decks=bench.DECKS,
            engine=Engine("lmp", "mpiexec -n {threads}", 1),
            log=folder / "log",
        )
    )
    lammps = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    particles = read_state(folder / "slurry.data.gz")
    height = read_results(folder / "slurry.nc")["thickness"]
    settings = plan.config.measure
    paint(particles, height, settings.voxel_size, settings.supersampling)  # compiles
    voxels, volume = bench.measure_cost(
        lambda: paint(particles, height, settings.voxel_size, settings.supersampling)
    )
    return {
        "particles": len(particles),
        "steps": int(read_series_of(folder / "slurry.nc")["step"][-1]),
        "core_seconds": cost["core_seconds"],
        "voxels": volume.label.size,
        "voxelising_core_seconds": voxels["core_seconds"],
        "memory_lammps_mb": lammps / 1024,
        "memory_python_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    output = bench.ROOT / "results" / "bench_scaling.json"
    parser.add_argument("--output", type=Path, default=output, help="JSON file to write")
    parser.add_argument("--one", type=float, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    os.chdir(bench.ROOT)
    if arguments.one is not None:
        with tempfile.TemporaryDirectory(prefix="coatline-bench-") as temporary:
            print(json.dumps(make(arguments.one, Path(temporary))))
        return
    rows = []
    bench.say(
        f"{'µg':>6}{'particles':>11}{'core-s':>9}{'µs/particle/step':>18}{'MB LAMMPS':>11}"
        f"{'MB Python':>11}{'ns/voxel':>10}"
    )
    for mass in MASSES:
        command = [sys.executable, __file__, "--one", str(mass)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        rows.append({"solid_mass": mass} | row)
        each = 1e6 * row["core_seconds"] / row["particles"] / row["steps"]
        voxel = 1e9 * row["voxelising_core_seconds"] / row["voxels"]
        bench.say(
            f"{mass:>6g}{row['particles']:>11d}{row['core_seconds']:>9.1f}{each:>18.2f}"
            f"{row['memory_lammps_mb']:>11.0f}{row['memory_python_mb']:>11.0f}{voxel:>10.0f}"
        )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    arguments.output.write_text(text, encoding="utf-8")
    bench.say(f"\nwritten: {arguments.output}")


if __name__ == "__main__":
    main()
