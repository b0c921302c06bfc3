"""What a campaign will cost: jobs, core-hours, wall time, memory, disk, and what is done already.

Computed from the plan, the rule files and the cost model, without Snakemake; what is done is seen
from the files that are there and from the inputs that Snakemake has recorded for them, not from
their age or from values that were changed.
"""

import heapq
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
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
from coatline.campaign.graph import Job, Key, read_graph
from coatline.campaign.plan import Plan
from coatline.campaign.profile import Profile
from coatline.design.file import read_design
from coatline.errors import ConfigError
from coatline.yaml_file import read_yaml

PROFILE = ROOT / "profiles" / "slurm"
METADATA = Path(".snakemake") / "metadata"
NAME_MAX = 254
"""Letters of a file name that Snakemake's records use at most."""
START = 2.0
"""Seconds that Snakemake and Python take to start a job on the machine they run on."""
SUBMITTED = 6.0
"""Seconds that a SLURM job brings of its own (`make overhead`: 5.0 to 5.8)."""
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
        queue: SLURM jobs at a time; none on one machine.
        notes: what stands against it, such as limits that a job does not fit into.
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
    queue: int | None = None
    notes: tuple[str, ...] = ()

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
            "queue": self.queue,
            "notes": list(self.notes),
        }


def list_tasks(plan: Plan, costs: dict[str, Any] | None = None) -> dict[Key, Task]:
    """List all jobs of a campaign in an order in which they can run.

    Args:
        plan: the campaign.
        costs: coefficients of the cost model; fitted to what is done if left out.
    """
    costs = costs or fit_costs(plan, plan.folder)
    graph = read_graph(plan)
    needed = graph.find_needed(cache(os.path.exists), lambda job: is_stale(plan, job))
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


def is_stale(plan: Plan, job: Job, metadata: Path = METADATA) -> bool:
    """Whether a job was run on other files of the campaign than it takes now, or on another design.

    Args:
        plan: the campaign.
        job: a job whose files are there.
        metadata: folder of Snakemake's records, a file for each output, named in base64; long names
            are cut into folders (`snakemake.persistence.file`). What it has no record of is taken
            for fresh.
    """
    if job.rule == "design":
        try:
            return read_design(Path(job.outputs[0])) != plan.design
        except ConfigError:
            return False
    name = urlsafe_b64encode(job.outputs[0].encode()).decode()
    parts = [name[start : start + NAME_MAX] for start in range(0, len(name), NAME_MAX)]
    path = metadata.joinpath(*("@" + part for part in parts[:-1]), parts[-1])
    try:
        took = set(json.loads(path.read_bytes())["input"])
    except (OSError, ValueError, KeyError, TypeError):
        return False
    own = f"{plan.folder.as_posix()}/"
    return {f for f in took if f.startswith(own)} != {f for f in job.inputs if f.startswith(own)}


def forecast(
    plan: Plan,
    cores: int,
    costs: dict[str, Any] | None = None,
    profile: Profile | None = None,
) -> Forecast:
    """Forecast what is left of a campaign.

    Args:
        plan: the campaign.
        cores: that it is to run on; with a profile its jobs × the processes of an electrode count.
        costs: coefficients of the cost model; fitted to what is done if left out.
        profile: of SLURM. A job then brings seconds of its own, and its end is seen half of
            Snakemake's time between two looks later; waiting in the queue is not foreseen.
    """
    tasks = list_tasks(plan, costs)
    jobs: dict[str, int] = {}
    done: dict[str, int] = {}
    for task in tasks.values():
        jobs[task.rule] = jobs.get(task.rule, 0) + 1
        done[task.rule] = done.get(task.rule, 0) + task.done
    left = {key: task for key, task in tasks.items() if not task.done}
    ranks = count_ranks(plan)
    cores = profile.jobs * ranks if profile else cores
    at_a_time = profile.jobs if profile else cores
    groups = profile.groups if profile else read_yaml(PROFILE / "config.yaml").get("groups") or {}
    wide = {key: _width(task, ranks, cores) for key, task in left.items()}
    lasts = {
        key: _find_lead(key, task, left, profile) + task.cost.seconds / wide[key]
        for key, task in left.items()
    }
    chain, path = _find_longest(left, lasts)
    running = sorted((task.cost.memory for task in left.values()), reverse=True)
    kept, peak = _measure_disk(plan, tasks, at_a_time)
    return Forecast(
        cores=cores,
        jobs=jobs,
        done=done,
        submitted=_count_submitted(left, groups),
        core_hours=sum(task.cost.seconds for task in left.values()) / 3600,
        wall=_simulate(left, wide, lasts, cores, at_a_time),
        critical=chain,
        path=path,
        memory=sum(running[:at_a_time]),
        disk_peak=peak,
        disk_kept=kept,
        ranks=ranks,
        queue=profile.jobs if profile else None,
        notes=tuple(find_shortages(plan, left, groups if profile else {})),
    )


def find_shortages(plan: Plan, tasks: Mapping[Key, Task], groups: Mapping[str, str]) -> list[str]:
    """Say what the limits of the cluster do not give.

    Args:
        plan: the campaign.
        tasks: jobs that are to run.
        groups: rule → group of rules that share a SLURM job, and its time.
    """
    cluster, ranks, notes = plan.config.cluster, count_ranks(plan), []
    for rule in sorted({task.rule for task in tasks.values()}):
        costs = [task.cost for task in tasks.values() if task.rule == rule]
        memory = max(cost.memory for cost in costs)
        if cluster.largest_memory is not None and memory > cluster.largest_memory:
            notes.append(
                f"{rule} needs some {memory:.0f} MB, cluster.largest_memory is "
                f"{cluster.largest_memory}: it will fail"
            )
        minutes = max(cost.seconds for cost in costs) / (ranks if rule in RANKED else 1) / 60
        sharing = sum(groups[rule] == one for one in groups.values()) if rule in groups else 1
        if cluster.longest_job is not None and minutes > cluster.longest_job / sharing:
            then = (
                "it stops between two segments, and the same command goes on"
                if rule in RANKED
                else "it will fail"
            )
            notes.append(
                f"{rule} takes some {minutes:.0f} min, cluster.longest_job is "
                f"{cluster.longest_job}{f', shared by {sharing}' * (sharing > 1)}: {then}"
            )
    return notes


def _count_submitted(left: Mapping[Key, Task], groups: Mapping[str, str]) -> int:
    """SLURM jobs for some jobs: none for what runs beside Snakemake, one for those of a group."""
    return len(
        {(groups.get(rule, rule), name) for (rule, name), task in left.items() if not task.local}
    )


def _find_lead(key: Key, task: Task, left: Mapping[Key, Task], profile: Profile | None) -> float:
    """Seconds that a job takes beside its work."""
    if profile is None or task.local:
        return START
    group = profile.groups.get(task.rule)
    if group and any(
        profile.groups.get(one[0]) == group and one[1] == key[1] and one in left
        for one in task.before
    ):
        return START  # a step further in the same SLURM job
    return SUBMITTED + profile.look / 2


def _width(task: Task, ranks: int, cores: int) -> int:
    return min(ranks, cores) if task.rule in RANKED else 1


def _find_longest(left: dict[Key, Task], lasts: dict[Key, float]) -> tuple[float, list[str]]:
    """Seconds and rules of the longest chain of tasks."""
    ends: dict[Key, tuple[float, Key | None]] = {}
    for key, task in left.items():
        before = max(
            ((ends[one][0], one) for one in task.before if one in ends), default=(0.0, None)
        )
        ends[key] = (before[0] + lasts[key], before[1])
    if not ends:
        return 0.0, []
    key = max(ends, key=lambda one: ends[one][0])
    longest, path = ends[key][0], []
    while key is not None:
        path.append(key[0])
        key = ends[key][1]
    return longest, path[::-1]


def _simulate(
    left: dict[Key, Task],
    wide: dict[Key, int],
    lasts: dict[Key, float],
    cores: int,
    at_a_time: int,
) -> float:
    """Seconds until all tasks are done, each begun as soon as there are cores and room for it."""
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
        while ready and wide[ready[0][1]] <= free and len(running) < at_a_time:
            _, key = heapq.heappop(ready)
            free -= wide[key]
            heapq.heappush(running, (now + lasts[key], order[key], key))
        now, _, key = heapq.heappop(running)
        free += wide[key]
        for one in after.get(key, []):
            waits[one] -= 1
            if waits[one] == 0:
                heapq.heappush(ready, (order[one], one))
    return now


def _measure_disk(plan: Plan, tasks: dict[Key, Task], jobs: int) -> tuple[float, float]:
    """MB kept at the end, and at peak with the folders of the jobs that can run at a time."""
    kept, working = 0.0, []
    for rule, name in tasks:
        n = particles_of(plan, name)
        if rule == "slurry":
            kept += n * (RESTART * (2 + len(plan.grid)) + 2 * STATE) + RECORDS_SLURRY
            working.append(n * (RESTART * len(plan.grid) + 2 * STATE))
        elif rule == "calender":
            kept += n * STATE + RECORDS_SAMPLE
    return kept / 1e6, (kept + sum(sorted(working, reverse=True)[:jobs])) / 1e6


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
    where = f"on {result.cores} core{'s' * (result.cores != 1)}"
    if result.queue is not None:
        where = f"with {result.queue} SLURM jobs at a time, without waiting in the queue"
    lines += [
        "",
        f"left           {sum(result.left.values())} jobs, {result.submitted} of them for SLURM",
        f"computing      {result.core_hours:.2f} core-hours",
        f"wall time      {format_time(result.wall)} {where}",
        f"critical path  {format_time(result.critical)}: {chain}",
        f"memory         {result.memory / 1000:.1f} GB at peak",
        f"disk           {result.disk_kept / 1000:.2f} GB kept, "
        f"{result.disk_peak / 1000:.2f} GB at peak",
        f"MPI            {result.ranks} process{'es' * (result.ranks != 1)} for an electrode",
        *(f"note           {note}" for note in result.notes),
    ]
    return "\n".join(lines)
