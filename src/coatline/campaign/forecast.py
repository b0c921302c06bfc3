"""What a campaign will cost: jobs, core-hours, wall time, memory, disk, and what is done already.

Computed from the plan, the rule files and the cost model, without Snakemake; what is done is seen
from the files that are there, not from their age or from values that were changed.
"""

import heapq
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from coatline.campaign.config.load import ROOT
from coatline.campaign.cost import (
    RANKED,
    Cost,
    count_ranks,
    estimate,
    fit_costs,
    particles_of,
)
from coatline.campaign.graph import Key, read_graph
from coatline.campaign.plan import Plan
from coatline.yaml_file import read_yaml

PROFILE = ROOT / "profiles" / "slurm" / "config.yaml"
START = 2.0
"""Seconds that Snakemake and Python take to start a job on the machine they run on."""
RESTART = 370
"""Bytes of a LAMMPS restart per particle."""
STATE = 35
"""Bytes of a compressed data file per particle."""
RECORDS_SLURRY, RECORDS_SAMPLE = 1_000_000, 200_000
"""Bytes of records, logs and tables per slurry and per sample, about."""


@dataclass(frozen=True)
class Task:
    """One job: its rule, the tasks before it, whether it is done, what it takes.

    Local ones run beside Snakemake, also on a cluster.
    """

    rule: str
    local: bool
    before: tuple[Key, ...]
    done: bool
    cost: Cost


@dataclass(frozen=True)
class Forecast:
    """What a campaign will cost.

    Attributes:
        cores: to run on.
        jobs, done: by rule.
        submitted: SLURM jobs that are left, should it run there.
        core_hours: of what is left.
        wall: seconds until the end on those cores.
        critical: seconds of the longest chain of jobs.
        path: rules of that chain.
        memory: MB at peak.
        disk_peak, disk_kept: MB.
        ranks: MPI processes of an electrode.
    """

    cores: int
    jobs: dict[str, int]
    done: dict[str, int]
    submitted: int
    core_hours: float
    wall: float
    critical: float
    path: list[str]
    memory: float
    disk_peak: float
    disk_kept: float
    ranks: int

    @property
    def left(self) -> dict[str, int]:
        """Jobs to run, by rule; rules with none are left out."""
        return {r: n - self.done[r] for r, n in self.jobs.items() if n > self.done[r]}

    def describe(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "cores": self.cores,
            "jobs": self.jobs,
            "done": self.done,
            "left": self.left,
            "slurm_jobs": self.submitted,
            "core_hours": round(self.core_hours, 4),
            "wall_seconds": round(self.wall, 1),
            "critical_path_seconds": round(self.critical, 1),
            "critical_path": self.path,
            "memory_MB": round(self.memory),
            "disk_peak_MB": round(self.disk_peak),
            "disk_kept_MB": round(self.disk_kept),
            "ranks": self.ranks,
        }


def list_tasks(plan: Plan, costs: dict[str, Any] | None = None) -> dict[Key, Task]:
    """List all jobs of a campaign in an order in which they can run.

    Args:
        plan: the campaign.
        costs: coefficients of the cost model; fitted to what is done if left out.
    """
    costs = costs or fit_costs(plan, plan.folder)
    graph = read_graph(plan)
    needed = graph.find_needed(cache(os.path.exists))
    return {
        key: Task(
            job.rule,
            job.rule in graph.local,
            tuple(job.before),
            key not in needed,
            estimate(plan, job.rule, particles_of(plan, job.name), costs),
        )
        for key, job in graph.jobs.items()
    }


def forecast(plan: Plan, cores: int, costs: dict[str, Any] | None = None) -> Forecast:
    """Forecast what is left of a campaign.

    Args:
        plan: the campaign.
        cores: that it is to run on.
        costs: coefficients of the cost model; fitted to what is done if left out.
    """
    tasks = list_tasks(plan, costs)
    jobs: dict[str, int] = {}
    done: dict[str, int] = {}
    for task in tasks.values():
        jobs[task.rule] = jobs.get(task.rule, 0) + 1
        done[task.rule] = done.get(task.rule, 0) + task.done
    left = {key: task for key, task in tasks.items() if not task.done}
    ranks = count_ranks(plan)
    wide = {key: _width(task, ranks, cores) for key, task in left.items()}
    chain, path = _find_longest(left, wide)
    running = sorted((task.cost.memory for task in left.values()), reverse=True)
    kept, peak = _measure_disk(plan, tasks, cores)
    return Forecast(
        cores=cores,
        jobs=jobs,
        done=done,
        submitted=_count_submitted(left),
        core_hours=sum(task.cost.seconds for task in left.values()) / 3600,
        wall=_simulate(left, wide, cores),
        critical=chain,
        path=path,
        memory=sum(running[:cores]),
        disk_peak=peak,
        disk_kept=kept,
        ranks=ranks,
    )


def _count_submitted(left: Mapping[Key, Task]) -> int:
    """SLURM jobs for some jobs: none for what runs beside Snakemake, one for those of a group."""
    groups = read_yaml(PROFILE)["groups"]
    return len(
        {(groups.get(rule, rule), name) for (rule, name), task in left.items() if not task.local}
    )


def _width(task: Task, ranks: int, cores: int) -> int:
    return min(ranks, cores) if task.rule in RANKED else 1


def _seconds(task: Task, width: int) -> float:
    return START + task.cost.seconds / width


def _find_longest(left: dict[Key, Task], wide: dict[Key, int]) -> tuple[float, list[str]]:
    """Seconds and rules of the longest chain of tasks."""
    ends: dict[Key, tuple[float, Key | None]] = {}
    for key, task in left.items():
        before = max(
            ((ends[one][0], one) for one in task.before if one in ends), default=(0.0, None)
        )
        ends[key] = (before[0] + _seconds(task, wide[key]), before[1])
    if not ends:
        return 0.0, []
    key = max(ends, key=lambda one: ends[one][0])
    longest, path = ends[key][0], []
    while key is not None:
        path.append(key[0])
        key = ends[key][1]
    return longest, path[::-1]


def _simulate(left: dict[Key, Task], wide: dict[Key, int], cores: int) -> float:
    """Seconds until all tasks are done, each begun as soon as cores are free."""
    waits = {key: sum(one in left for one in task.before) for key, task in left.items()}
    after: dict[Key, list[Key]] = {}
    for key, task in left.items():
        for one in task.before:
            if one in left:
                after.setdefault(one, []).append(key)
    order = {key: index for index, key in enumerate(left)}
    ready = [(order[key], key) for key, count in waits.items() if count == 0]
    heapq.heapify(ready)
    running: list[tuple[float, int, Key]] = []
    now, free = 0.0, cores
    while ready or running:
        while ready and wide[ready[0][1]] <= free:
            _, key = heapq.heappop(ready)
            free -= wide[key]
            heapq.heappush(running, (now + _seconds(left[key], wide[key]), order[key], key))
        now, _, key = heapq.heappop(running)
        free += wide[key]
        for one in after.get(key, []):
            waits[one] -= 1
            if waits[one] == 0:
                heapq.heappush(ready, (order[one], one))
    return now


def _measure_disk(plan: Plan, tasks: dict[Key, Task], cores: int) -> tuple[float, float]:
    """MB kept at the end, and at peak with the folders of running jobs."""
    kept = working = 0.0
    for rule, name in tasks:
        n = particles_of(plan, name)
        if rule == "slurry":
            kept += n * (RESTART * (2 + len(plan.grid)) + 2 * STATE) + RECORDS_SLURRY
            working = max(working, n * (RESTART * len(plan.grid) + 2 * STATE))
        elif rule == "calender":
            kept += n * STATE + RECORDS_SAMPLE
    return kept / 1e6, (kept + cores * working) / 1e6


def format_time(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 48 * 3600 else f"{seconds / 86400:.1f} days"


def format_forecast(result: Forecast) -> str:
    """The forecast as a table for people."""
    lines = [f"{'rule':<20}{'jobs':>8}{'done':>8}"]
    lines += [f"{rule:<20}{n:>8}{result.done[rule]:>8}" for rule, n in result.jobs.items()]
    lines.append(f"{'total':<20}{sum(result.jobs.values()):>8}{sum(result.done.values()):>8}")
    chain = " - ".join(result.path) or "nothing is left"
    lines += [
        "",
        f"left           {sum(result.left.values())} jobs, {result.submitted} of them for SLURM",
        f"computing      {result.core_hours:.2f} core-hours",
        f"wall time      {format_time(result.wall)} on {result.cores} cores",
        f"critical path  {format_time(result.critical)}: {chain}",
        f"memory         {result.memory / 1000:.1f} GB at peak",
        f"disk           {result.disk_kept / 1000:.2f} GB kept, "
        f"{result.disk_peak / 1000:.2f} GB at peak",
        f"MPI            {result.ranks} processes for an electrode",
    ]
    return "\n".join(lines)
