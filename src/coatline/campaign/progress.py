"""How far a campaign is: done, running, failed by cause, and an estimate of the end; from files.

Nothing is asked of Snakemake, and its graph is not built: it may be looked at while a campaign
runs. Coatline's own graph is read from the rule files, in less than a second for 2,000 samples.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from coatline.campaign.causes import explain_end
from coatline.campaign.claims import ask_slurm_once, describe_owner, list_claims, tell_life
from coatline.campaign.forecast import forecast, format_time
from coatline.campaign.head import describe_head
from coatline.campaign.plan import Plan


@dataclass(frozen=True)
class Progress:
    """How far a campaign is.

    Attributes:
        name: of the campaign.
        head: who is in charge of it, in words.
        jobs, done: by rule.
        running: jobs that live → who runs them; jobs of which it is not known count.
        failed: jobs that ended without a result → cause and line.
        blown_up: samples and slurries whose simulation failed, which is a result.
        end: seconds until the end at the present width, none where nothing runs.
    """

    name: str
    head: str
    jobs: dict[str, int]
    done: dict[str, int]
    running: dict[str, str]
    failed: dict[str, tuple[str, str]]
    blown_up: list[str]
    end: float | None

    def describe(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {
            "campaign": self.name,
            "head": self.head,
            "jobs": self.jobs,
            "done": self.done,
            "running": self.running,
            "failed": {name: list(why) for name, why in self.failed.items()},
            "causes": dict(Counter(cause for cause, _ in self.failed.values())),
            "failed_simulations": self.blown_up,
            "seconds_left": None if self.end is None else round(self.end),
        }


def look_at(plan: Plan) -> Progress:
    """Look at a campaign's files.

    Args:
        plan: the campaign.
    """
    running: dict[str, str] = {}
    failed: dict[str, tuple[str, str]] = {}
    cores = 0
    claims = list_claims(plan.folder)
    ask = ask_slurm_once(owner for owner in claims.values() if not owner.get("ended"))
    for name, owner in claims.items():
        if tell_life(owner, ask) is False:
            failed[name] = (explain_end(owner), str(owner.get("line", "killed")))
        else:
            running[name] = describe_owner(owner)
            cores += int(owner.get("cores") or 1)
    ahead = forecast(plan, max(1, cores))
    return Progress(
        name=plan.config.campaign.name,
        head=describe_head(plan.folder),
        jobs=ahead.jobs,
        done=ahead.done,
        running=running,
        failed=failed,
        blown_up=_list_blown_up(plan),
        end=ahead.wall if running else None,
    )


def _list_blown_up(plan: Plan) -> list[str]:
    """Slurries and samples whose stage left empty states: its simulation failed."""
    found = set()
    for path in (plan.folder / "manufacture").glob("*/*.data.gz"):
        try:
            if path.stat().st_size == 0:
                found.add(path.parent.name)
        except FileNotFoundError:
            continue
    return sorted(found)


def format_progress(result: Progress) -> str:
    """The progress as a table for people."""
    lines = [f"{result.name}: {result.head}", ""]
    for rule, count in result.jobs.items():
        done = result.done[rule]
        bar = "#" * round(20 * done / count)
        lines.append(f"{rule:<20}{done:>7} of {count:<7}{bar:<20}")
    lines.append("")
    if result.running:
        lines.append(f"{len(result.running)} running:")
        lines += [f"  {name}: {who}" for name, who in list(result.running.items())[:20]]
    if result.failed:
        causes = Counter(cause for cause, _ in result.failed.values()).most_common()
        counted = ", ".join(f"{count} by {cause}" for cause, count in causes)
        lines.append(f"{len(result.failed)} jobs without a result, {counted}:")
        lines += [
            f"  {name}: {why}: {line}" for name, (why, line) in list(result.failed.items())[:20]
        ]
    if result.blown_up:
        lines.append(f"failed simulations: {', '.join(result.blown_up)}")
    if result.end is not None:
        lines.append(f"about {format_time(result.end)} left")
    elif sum(result.done.values()) == sum(result.jobs.values()):
        lines.append("all done")
    return "\n".join(lines)
