"""How much cheaper than the published protocol an electrode is: `make bench`.

An electrode of 0.1 µg, 96 % active material, 69 % solids, is made and measured with the published
CBD beads of 1.3 µm and with the default ones. What the published protocol costs (set A of the
published inputs) is its prescribed number of steps times its seconds per step: measured with the
same engine, on the same core and these beads, on the slurry that its force field gives of this
recipe, and on our dried film (its own creeps on for so long after release that our test of rest
gives it up). Prints the ratios, writes results/bench_protocol.json, asserts nothing.
"""

import argparse
import gzip
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
import electrode as bench  # sets threads before numerical libraries are loaded

RECIPE = {"active_material": 96.0, "solid_content": 69.0}
COMPRESSION_RATE = 25.0
PUBLISHED_BEAD = 1.3
"""µm."""
SLURRY_STEPS, DRYING_STEPS, RELAXATION_STEPS = 2e7, 7e7, 5e5
"""Prescribed by set A of the published inputs."""
STEP, CALENDERING_STEP = 1e-3, 1e-4
"""µs, of set A."""
PLANE_SPEED = 0.02
"""µm/µs, mean, of set A."""


def load_plan(folder: Path, bead: float | None, force_field: str) -> Any:
    """The paper's campaign with other beads (µm) or another force field."""
    from coatline.campaign.plan import make_plan
    from coatline.yaml_file import read_yaml

    path = bench.ROOT / "config" / "paper.yaml"
    mapping = read_yaml(path)
    if bead is not None:
        mapping["electrode"]["bead_diameter"] = bead
    mapping.setdefault("manufacture", {})["force_field"] = force_field
    if force_field == "published-a":  # too soft for the default, see config/validation
        mapping["manufacture"].setdefault("drying", {})["pressure"] = 80.0
    return make_plan(mapping, str(path), results=folder)


def write_forces(path: Path, stage: dict, sizes: Any, liquid: bool) -> None:
    """Set A as published: `gran/hertz/history` and `lj/smooth/linear`, not our contact."""
    from coatline.manufacture.lennardjones import find_wells, write_pairs

    contact = stage["contact"]
    stiffness, damping = contact["normal_stiffness"], contact["normal_damping"]
    cutoff = max(well.cutoff for well in find_wells(stage, sizes, liquid).values())
    lines = [
        f"pair_style hybrid/overlay gran/hertz/history {stiffness} "
        f"{stiffness * contact['tangential_ratio']} {damping} "
        f"{damping * contact['tangential_damping_ratio']} {contact['friction']} 1 "
        f"lj/smooth/linear {cutoff}",
        "pair_coeff * * gran/hertz/history",
        "pair_coeff * 3 lj/smooth/linear 0.0 1.0 1.0",
        "pair_coeff 3 * lj/smooth/linear 0.0 1.0 1.0",
    ]
    lines += [
        line
        for line in write_pairs(stage, sizes, liquid, "")
        if line.startswith("set ") or (line.startswith("pair_coeff") and "lj/smooth" in line)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_types(source: Path, target: Path, sizes: Any) -> None:
    """A data file with an atom type for each size of AM particles, 2, 4, 5 … as the forces have it.

    Type 3 is the plane's, of which there is none here.
    """
    diameters = list(sizes.active_material)
    with gzip.open(source, "rt", encoding="ascii") as file:
        lines = file.read().splitlines()
    start = lines.index("Atoms # sphere") + 2
    types = f"{len(diameters) + 2} atom types"
    head = [re.sub(r"^\d+ atom types", types, line) for line in lines[:start]]
    rows = []
    for line in lines[start:]:
        words = line.split()
        if words[1:2] == ["2"]:
            near = min(range(len(diameters)), key=lambda i: abs(diameters[i] - float(words[2])))
            words[1] = str(near + 3 if near else 2)
        rows.append(" ".join(words))
    target.write_text("\n".join([*head, *rows]) + "\n", encoding="ascii")


def time_published(engine: Any, folder: Path, **variables: object) -> float:
    """Core-seconds per step of the published protocol on a film."""
    deck = Path(__file__).with_name("published.lmp")
    command = [*engine.words(), "-in", str(deck), "-log", "none", "-nocite"]
    for name, value in variables.items():
        command += ["-var", name, str(value)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: published.lmp failed:\n{done.stdout[-800:]}")
    seconds, steps = re.findall(
        r"^Loop time of (\S+) on 1 procs for (\d+) steps", done.stdout, re.M
    )[-1]
    share = float(re.findall(r"^(\S+)% CPU use", done.stdout, re.M)[-1]) / 100
    return float(seconds) * share / int(steps)


def cost_published(engine: Any, folder: Path, ours: Path) -> dict[str, Any]:
    """What an electrode costs by the published protocol, core-seconds.

    Args:
        engine: LAMMPS.
        folder: to work in.
        ours: where the same electrode, with the same beads, was made here.
    """
    from coatline.manufacture.record import read_results
    from coatline.manufacture.stages import make_slurry, sizes_of

    plan = load_plan(folder, PUBLISHED_BEAD, "published-a")
    electrode = plan.config.electrode
    slurry = {
        key: folder / f"slurry.{end}" for key, end in (("record", "nc"), ("state", "restart"))
    }
    bench.say("  slurry of the published force field …")
    make_slurry(
        **slurry,
        data=folder / "slurry.data.gz",
        **RECIPE,
        solid_mass=electrode.solid_mass,
        solid_loading=electrode.solid_loading,
        ingredients=plan.ingredients,
        protocol=plan.protocol("slurry"),
        seed=plan.seed_of("y00"),
        log=folder / "slurry.log",
        force_field=plan.force_field,
        decks=bench.DECKS,
        engine=engine,
    )
    states = {"slurry": folder / "slurry.data.gz", "dried": ours / "dried.data.gz"}
    records = {"slurry": read_results(slurry["record"]), "dried": read_results(ours / "dried.nc")}
    sizes = sizes_of(records["slurry"])
    seconds = {}
    for name, state, stage, walls, step in (
        ("slurry", "slurry", "slurry", 0, STEP),
        ("drying", "dried", "dried", 0, STEP),
        ("calendering", "dried", "dried", 1, CALENDERING_STEP),
    ):
        bench.say(f"  {name}, seconds per step …")
        write_forces(
            folder / "forces.lmp",
            plan.material.force_field("published-a")[stage],
            sizes,
            stage == "slurry",
        )
        write_types(states[state], folder / "people.data", sizes)
        seconds[name] = time_published(
            engine,
            folder,
            people=folder / "people.data",
            forces=folder / "forces.lmp",
            height=records[state]["thickness"],
            dt=step,
            walls=walls,
        )
    way = COMPRESSION_RATE / 100 * records["dried"]["thickness"]
    steps = {
        "slurry": SLURRY_STEPS,
        "drying": DRYING_STEPS,
        "calendering": way / PLANE_SPEED / CALENDERING_STEP + RELAXATION_STEPS,
    }
    return {
        "particles": int(records["slurry"]["marker"]) - 1,
        "seconds_per_step": seconds,
        "steps": steps,
        "core_seconds": sum(steps[name] * seconds[name] for name in steps),
    }


def cost_ours(engine: Any, folder: Path, bead: float | None) -> dict[str, Any]:
    """What the electrode costs here, core-seconds, by stage."""
    plan = load_plan(folder, bead, "default")
    stages = bench.make_electrode(plan, engine, folder, **RECIPE, compression_rate=COMPRESSION_RATE)
    costs = {name: stage["core_seconds"] for name, stage in stages.items()}
    bench.say("  measure …")
    costs["measure"], _ = bench.measure_cost(lambda: measure(plan, folder))
    costs["measure"] = costs["measure"]["core_seconds"]
    return {
        "particles": stages["slurry"]["particles"],
        "steps": {name: stage["steps"] for name, stage in stages.items()},
        "core_seconds_by_stage": costs,
        "core_seconds": sum(costs.values()),
    }


def measure(plan: Any, folder: Path) -> None:
    """Measure as a job does, in a process of its own."""
    code = (
        "import sys, json; from pathlib import Path; "
        "from coatline.measure.sample import measure_sample; "
        "a = json.loads(sys.argv[1]); f = Path(a['folder']); measure_sample(f / 'calender.nc', "
        "f / 'calendered.data.gz', f / 'measured.nc', conductivities=a['conductivities'], "
        "settings=a['settings'], threads=1)"
    )
    values = {
        "folder": str(folder),
        "conductivities": plan.material.conductivities(),
        "settings": plan.config.measure.model_dump(),
    }
    subprocess.run([sys.executable, "-c", code, json.dumps(values)], check=True)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    output = bench.ROOT / "results" / "bench_protocol.json"
    parser.add_argument("--output", type=Path, default=output, help="JSON file to write")
    arguments = parser.parse_args()
    from coatline.manufacture.engine import Engine

    os.chdir(bench.ROOT)
    engine = Engine("lmp", "mpiexec -n {threads}", 1)
    report: dict[str, Any] = {"recipe": RECIPE | {"compression_rate": COMPRESSION_RATE}}
    with tempfile.TemporaryDirectory(prefix="coatline-bench-") as temporary:
        for name, bead in (("1.3 µm beads", PUBLISHED_BEAD), ("default beads", None)):
            bench.say(f"ours, {name}")
            folder = Path(temporary) / ("default" if bead is None else "published-beads")
            folder.mkdir()
            report[name] = cost_ours(engine, folder, bead)
            bench.say(f"  {report[name]['core_seconds']:.4g} core-s")
        bench.say("published protocol, 1.3 µm beads")
        folder = Path(temporary) / "published"
        folder.mkdir()
        report["published"] = cost_published(engine, folder, Path(temporary) / "published-beads")
    published = report["published"]
    bench.say(f"\n{'96/69, 0.1 µg, 25 %':<28}{'particles':>10}{'core-s':>12}{'published/ours':>16}")
    cost = published["core_seconds"]
    bench.say(f"{'published protocol':<28}{published['particles']:>10}{cost:>12.4g}")
    for name in ("1.3 µm beads", "default beads"):
        row = report[name]
        row["ratio"] = cost / row["core_seconds"]
        bench.say(
            f"{name:<28}{row['particles']:>10}{row['core_seconds']:>12.4g}{row['ratio']:>16.0f}"
        )
        for stage, seconds in row["core_seconds_by_stage"].items():
            bench.say(f"  {stage:<26}{'':>10}{seconds:>12.4g}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(
        json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    bench.say(f"\nwritten: {arguments.output}")


if __name__ == "__main__":
    main()
