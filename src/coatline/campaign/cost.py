"""What a job costs: seconds and memory from the number of particles and the simulated time.

Seconds of a LAMMPS job = start + each × particles × simulated µs × (0.7 / safety factor) ×
(2 µm / bead diameter): the time step goes with the bead's size and the safety factor. Measuring
goes with the number of voxels, what is learned with properties, splits and calls. The coefficients
in costs.json are geometric means over two runs of config/paper.yaml by one code on one machine, at
a quiet and at a busy time of it; `fit_costs` makes them anew from a campaign's own benchmarks.
"""

import csv
import json
import math
import re
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from coatline.campaign.causes import Logs, list_causes
from coatline.campaign.claims import FOLDER, read_claim
from coatline.campaign.plan import Plan

FILE = Path(__file__).with_name("costs.json")
STAGES = ("slurry", "dry", "press", "calender", "measure")
"""Rules whose cost goes with the electrode; that of others is taken as it was measured."""
RANKED = STAGES[:4]
"""Rules whose jobs may run on several MPI processes."""
MARGIN_TIME, MARGIN_MEMORY = 5.0, 2.0
"""How much more than expected a job asks for."""
LEAST_MINUTES, LEAST_MEMORY = 10, 1000
BEAD, SAFETY = 2.0, 0.7
SOLID_SHARE = 0.55
"""Share of solids in a dried film."""
RULES = Path(__file__).resolve().parents[3] / "workflow" / "rules"
BENCHMARK = re.compile(r'^rule (\w+):$.*?benchmark:\s+"<benchmarks>/([^"]+)"', re.DOTALL | re.M)
"""A rule and the file of its benchmarks, in a rule file."""
GROWS = {"mem_mb": "memory", "runtime": "time"}
"""The cause that makes a job ask for twice as much of a resource."""
UNEXPLAINED = 2
"""Most kills without a known cause that count towards both."""


@dataclass(frozen=True)
class Cost:
    """What one job is expected to take: seconds on one core, and MB of memory."""

    seconds: float
    memory: float


def count_particles(plan: Plan, active_material: float) -> int:
    """Count the particles of an electrode, to within rounding.

    Args:
        plan: the campaign.
        active_material: share of the solids, %.
    """
    ingredients = plan.ingredients
    mass = plan.config.electrode.solid_mass * 1e6  # pg
    share = active_material / 100
    mean = sum(
        s * math.pi / 6 * d**3
        for d, s in zip(ingredients["diameters"], ingredients["number_shares"], strict=True)
    ) / sum(ingredients["number_shares"])
    bead = math.pi / 6 * ingredients["bead_diameter"] ** 3 * (1 - ingredients["nanoporosity"])
    active = mass * share / ingredients["density_active_material"] / mean
    binder = mass * (1 - share) / ingredients["density_carbon_binder"] / bead
    return max(1, round(active + binder))


def estimate(plan: Plan, rule: str, particles: int, costs: Mapping[str, Any] | None = None) -> Cost:
    """Estimate the cost of one job on one core.

    Args:
        plan: the campaign.
        rule: its rule.
        particles: of its electrode.
        costs: coefficients; those of `costs.json` if left out.
    """
    costs = costs or read_costs()
    own = costs["rules"].get(rule)
    if own is None:
        others = costs["others"]
        seconds = others["seconds"].get(rule, others["start"])
        return Cost(seconds * _share(plan, rule, others["of"]), others["memory"])
    size = work(plan, rule, particles)
    each = size if rule == "measure" else particles
    return Cost(own["start"] + own["each"] * size, own["memory"] + own["memory_each"] * each)


def _share(plan: Plan, rule: str, of: Mapping[str, float]) -> float:
    """Work of a job of learning or drawing, as a share of that which its seconds were taken from.

    Args:
        plan: the campaign.
        rule: of the job.
        of: numbers of properties, splits, calls and samples that were learned from and drawn.
    """
    properties = len(plan.properties) / of["properties"]
    splits = plan.learn.seeds / of["seeds"] if plan.learn else 1.0
    calls = plan.optimise.calls / of["calls"] if plan.optimise else 1.0
    return {
        "fit": properties,
        "sensitivity": properties,
        "validate": properties * splits,
        "optimum": calls,
        "draw_pictures": len(plan.design) / of["samples"],
    }.get(rule, 1.0)


def work(plan: Plan, rule: str, particles: int) -> float:
    """What the time of a job goes with: particles × µs in steps of one size, or voxels."""
    config = plan.config
    height = 10 * config.electrode.solid_loading / plan.material.densities.active_material.value
    height /= SOLID_SHARE
    if rule == "measure":
        return config.electrode.area * height / config.measure.voxel_size**3
    speed = config.manufacture.pressing.speed
    time = {
        "slurry": 100.0,
        "dry": config.manufacture.drying.duration + 24.0,
        "press": plan.upper_compression / 100 * height / speed,
        "calender": 18.0 + 0.06 * height / speed,
    }[rule]
    bead = plan.ingredients["bead_diameter"]
    return particles * time * SAFETY / config.manufacture.safety_factor * BEAD / bead


def read_costs(path: Path = FILE) -> dict[str, Any]:
    """Read the coefficients."""
    return json.loads(path.read_text(encoding="utf-8"))


def count_ranks(plan: Plan) -> int:
    """Count the MPI ranks of an electrode: one for every so many particles, at most all."""
    engine = plan.config.engine
    particles = max(count_particles(plan, row.active_material) for row in plan.design)
    return max(1, min(engine.threads, particles // engine.particles_per_process))


def ask_for(plan: Plan, rule: str, sharing: int = 1) -> dict[str, int]:
    """What a job of a rule asks for at first.

    Args:
        plan: the campaign.
        rule: its rule.
        sharing: jobs that follow each other in one SLURM job.

    Returns:
        `mem_mb` (MB) and `runtime` (minutes), within the limits of the cluster.
    """
    particles = max(count_particles(plan, row.active_material) for row in plan.design)
    cost = estimate(plan, rule, particles)
    ranks = 1 if rule == "measure" else count_ranks(plan)
    minutes = MARGIN_TIME * cost.seconds / ranks / 60
    asked = {
        "mem_mb": max(LEAST_MEMORY, 100 * math.ceil(MARGIN_MEMORY * cost.memory / 100)),
        "runtime": max(LEAST_MINUTES, 5 * math.ceil(minutes / 5)),
    }
    return {kind: limit(plan, kind, value, sharing) for kind, value in asked.items()}


def limit(plan: Plan, kind: str, value: int, sharing: int = 1) -> int:
    """A resource within the limits of the cluster.

    Args:
        plan: the campaign.
        kind: `mem_mb` or `runtime`.
        value: what is wanted, MB or minutes.
        sharing: jobs that follow each other in one SLURM job, and share its time.

    Returns:
        What may be asked for, MB or minutes.
    """
    cluster = plan.config.cluster
    most = {"mem_mb": cluster.largest_memory, "runtime": cluster.longest_job}[kind]
    if most is None:
        return value
    if kind == "runtime":
        most = max(1, most // sharing)
    return min(value, most)


def ask_again(
    plan: Plan,
    kind: str,
    first: int,
    job: str,
    logs: Logs = Path(".snakemake"),
    sharing: int = 1,
) -> int:
    """What a job asks for after failures: twice as much for each time that it ran out of it.

    Kills that nobody explains count for both, `UNEXPLAINED` times at most.

    Args:
        plan: the campaign.
        kind: `mem_mb` or `runtime`.
        first: what it asked for at first, MB or minutes.
        job: its name among the claims.
        logs: of SLURM jobs.
        sharing: jobs that follow each other in one SLURM job.

    Returns:
        What to ask for, MB or minutes, within the limits of the cluster.
    """
    owner = read_claim(plan.folder / FOLDER / f"{job}.json")
    causes = [] if owner is None else list_causes(owner, logs)  # without a claim it never began
    times = causes.count(GROWS[kind]) + min(UNEXPLAINED, causes.count("killed"))
    return limit(plan, kind, first * 2**times, sharing)


def fit_costs(plan: Plan, folder: Path) -> dict[str, Any]:
    """Fit the coefficients to a campaign's benchmarks; starts and memory per size are kept.

    Args:
        plan: the campaign.
        folder: of its results.
    """
    costs = read_costs()
    for rule, rows in read_benchmarks(folder).items():
        own = costs["rules"].get(rule)
        if own is None:
            seconds = sum(seconds for _, seconds, _ in rows) / len(rows)
            share = _share(plan, rule, costs["others"]["of"])
            costs["others"]["seconds"][rule] = seconds / share if share else seconds
            continue
        # The median: one film that takes ten times as long must not count for all.
        own["each"] = statistics.median(
            max(0.0, seconds - own["start"]) / work(plan, rule, particles_of(plan, name))
            for name, seconds, _ in rows
        )
    return costs


def particles_of(plan: Plan, name: str) -> int:
    """Count the particles of a slurry or sample; where its recipe is not known yet, of the first.

    Args:
        plan: the campaign.
        name: id of the slurry or sample.
    """
    slurry = name.partition("c")[0]
    row = plan.design.slurries.get(slurry) or plan.choice.slurries.get(slurry)
    return count_particles(plan, (row or next(iter(plan.design))).active_material)


def read_benchmarks(folder: Path) -> dict[str, list[tuple[str, float, float]]]:
    """Read a campaign's benchmarks: rule → (slurry or sample, wall seconds, MB) of each job.

    Snakemake's `cpu_time` is of its last look at a job, and misses half of those of seconds.

    Args:
        folder: of its results.
    """
    found: dict[str, list[tuple[str, float, float]]] = {}
    patterns = _benchmark_patterns()
    for path in sorted((folder / "benchmarks").glob("*/*.tsv")):
        place = f"{path.parent.name}/{path.name}"
        matches = ((rule, pattern.fullmatch(place)) for rule, pattern in patterns)
        rule, match = next(((rule, one) for rule, one in matches if one), ("", None))
        if match is None:
            continue
        name = ".".join(match.groups())
        try:
            row = list(csv.DictReader(path.read_text().splitlines(), delimiter="\t"))[-1]
            seconds = float(row["s"])
            memory = 0.0 if row["max_rss"] == "NA" else float(row["max_rss"])
        except (OSError, IndexError, KeyError, ValueError):
            continue
        found.setdefault(rule, []).append((name, seconds, memory))
    return found


@cache
def _benchmark_patterns() -> list[tuple[str, re.Pattern[str]]]:
    """Rules and the files of their benchmarks; the most particular first."""
    found = [
        match
        for file in sorted(RULES.glob("*.smk"))
        for match in BENCHMARK.findall(file.read_text(encoding="utf-8"))
    ]
    return [
        (rule, re.compile(re.sub(r"\\{\w+\\}", r"([^./]+)", re.escape(file))))
        for rule, file in sorted(found, key=lambda one: ("{" in one[1], -len(one[1])))
    ]
