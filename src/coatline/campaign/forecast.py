"""What a campaign will cost: jobs, core-hours, wall time, memory, disk, and what is done already.

Computed from the plan and the cost model, without building Snakemake's graph; what is done is seen
from the files.
"""

import heapq
from dataclasses import dataclass, replace
from typing import Any

from coatline.campaign.cost import Cost, count_particles, count_ranks, estimate, fit_costs
from coatline.campaign.plan import Plan

START = 2.0
"""Seconds that Snakemake and Python take to start a job on the machine they run on."""
RESTART = 370
"""Bytes of a LAMMPS restart per particle."""
STATE = 35
"""Bytes of a compressed data file per particle."""
RECORDS_SLURRY, RECORDS_SAMPLE = 1_000_000, 200_000
"""Bytes of records, logs and tables per slurry and per sample, about."""
SINGLE = {
    "design": "design/design.csv",
    "dataset": "dataset.nc",
    "calendering_curves": "calendering_curves.nc",
    "draw_design": "report/figures/design.svg",
    "draw_campaign": "report/figures/profiles.svg",
}
"""Rules with one job in a campaign, and a file that each makes."""


@dataclass(frozen=True)
class Task:
    """One job: its rule, its electrode, the tasks before it, whether it is done, what it takes."""

    rule: str
    name: str
    before: tuple[tuple[str, str], ...]
    done: bool
    cost: Cost


@dataclass(frozen=True)
class Forecast:
    """What a campaign will cost.

    Attributes:
        cores: to run on.
        jobs, done: by rule.
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
            "core_hours": round(self.core_hours, 4),
            "wall_seconds": round(self.wall, 1),
            "critical_path_seconds": round(self.critical, 1),
            "critical_path": self.path,
            "memory_MB": round(self.memory),
            "disk_peak_MB": round(self.disk_peak),
            "disk_kept_MB": round(self.disk_kept),
            "ranks": self.ranks,
        }


def list_tasks(plan: Plan, costs: dict[str, Any] | None = None) -> dict[tuple[str, str], Task]:
    """List all jobs of a campaign in an order in which they can run.

    Args:
        plan: the campaign.
        costs: coefficients of the cost model; fitted to what is done if left out.
    """
    costs = costs or fit_costs(plan, plan.folder)
    tasks: dict[tuple[str, str], Task] = {}

    def add(
        rule: str, name: str, before: list[tuple[str, str]], files: list[str], particles: int
    ) -> None:
        there = all((plan.folder / file).exists() for file in files)
        cost = estimate(plan, rule, particles, costs)
        tasks[rule, name] = Task(rule, name, tuple(before), there, cost)

    add("design", "", [], [SINGLE["design"]], 1)
    numbers: dict[str, int] = {}
    for slurry, row in plan.design.slurries.items():
        n = numbers[slurry] = count_particles(plan, row.active_material)
        folder = f"manufacture/{slurry}"
        add("slurry", slurry, [], [f"{folder}/slurry.nc", f"{folder}/slurry.restart"], n)
        add(
            "dry",
            slurry,
            [("slurry", slurry)],
            [f"{folder}/dried.nc", f"{folder}/dried.restart"],
            n,
        )
        add("press", slurry, [("dry", slurry)], [f"{folder}/press.nc"], n)
    for row in plan.design:
        n, data = numbers[row.slurry], f"manufacture/{row.sample}/calendered.data.gz"
        add("calender", row.sample, [("press", row.slurry)], [data], n)
        add("measure", row.sample, [("calender", row.sample)], [f"measure/{row.sample}.nc"], n)
    for chunk, samples in plan.chunks.items():
        before = [("measure", sample) for sample in samples]
        add("gather", chunk, before, [f"measure/chunks/{chunk}.nc"], 1)
    gathered = [("gather", chunk) for chunk in plan.chunks]
    add("dataset", "", [("design", ""), *gathered], [SINGLE["dataset"]], 1)
    pressed = [("press", slurry) for slurry in numbers]
    add("calendering_curves", "", [("design", ""), *pressed], [SINGLE["calendering_curves"]], 1)
    add("draw_design", "", [("design", "")], [SINGLE["draw_design"]], 1)
    last = [("dataset", ""), ("calendering_curves", "")]
    add("draw_campaign", "", last, [SINGLE["draw_campaign"]], 1)
    run = _find_needed(tasks)
    return {key: replace(task, done=key not in run) for key, task in tasks.items()}


def _find_needed(tasks: dict[tuple[str, str], Task]) -> set[tuple[str, str]]:
    """Tasks that Snakemake would run: what is asked for and missing, what that lacks, what follows.

    What is missing in between but no longer needed is left alone.
    """
    after: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key, task in tasks.items():
        for one in task.before:
            after.setdefault(one, []).append(key)
    waiting = [(r, "") for r in SINGLE if r != "design" and not tasks[r, ""].done]
    run: set[tuple[str, str]] = set()
    while waiting:
        key = waiting.pop()
        if key not in run:
            run.add(key)
            waiting += [one for one in tasks[key].before if not tasks[one].done]
            waiting += after.get(key, [])
    return run


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
        core_hours=sum(task.cost.seconds for task in left.values()) / 3600,
        wall=_simulate(left, wide, cores),
        critical=chain,
        path=path,
        memory=sum(running[:cores]),
        disk_peak=peak,
        disk_kept=kept,
        ranks=ranks,
    )


def _width(task: Task, ranks: int, cores: int) -> int:
    return min(ranks, cores) if task.rule in ("slurry", "dry", "press", "calender") else 1


def _seconds(task: Task, width: int) -> float:
    return START + task.cost.seconds / width


def _find_longest(
    left: dict[tuple[str, str], Task], wide: dict[tuple[str, str], int]
) -> tuple[float, list[str]]:
    """Seconds and rules of the longest chain of tasks."""
    ends: dict[tuple[str, str], tuple[float, tuple[str, str] | None]] = {}
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


def _simulate(
    left: dict[tuple[str, str], Task], wide: dict[tuple[str, str], int], cores: int
) -> float:
    """Seconds until all tasks are done, each begun as soon as cores are free."""
    waits = {key: sum(one in left for one in task.before) for key, task in left.items()}
    after: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key, task in left.items():
        for one in task.before:
            if one in left:
                after.setdefault(one, []).append(key)
    order = {key: index for index, key in enumerate(left)}
    ready = [(order[key], key) for key, count in waits.items() if count == 0]
    heapq.heapify(ready)
    running: list[tuple[float, int, tuple[str, str]]] = []
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


def _measure_disk(
    plan: Plan, tasks: dict[tuple[str, str], Task], cores: int
) -> tuple[float, float]:
    """MB kept at the end, and at peak with the folders of running jobs."""
    kept = working = 0.0
    for row in plan.design.slurries.values():
        n = count_particles(plan, row.active_material)
        kept += n * (RESTART * (2 + len(plan.grid)) + 2 * STATE) + RECORDS_SLURRY
        working = max(working, n * (RESTART * len(plan.grid) + 2 * STATE))
    for row in plan.design:
        kept += count_particles(plan, row.active_material) * STATE + RECORDS_SAMPLE
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
        f"left           {sum(result.left.values())} jobs, {result.core_hours:.2f} core-hours",
        f"wall time      {format_time(result.wall)} on {result.cores} cores",
        f"critical path  {format_time(result.critical)}: {chain}",
        f"memory         {result.memory / 1000:.1f} GB at peak",
        f"disk           {result.disk_kept / 1000:.2f} GB kept, "
        f"{result.disk_peak / 1000:.2f} GB at peak",
        f"MPI            {result.ranks} processes for an electrode",
    ]
    return "\n".join(lines)
