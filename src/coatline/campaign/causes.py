"""Why attempts of a job ended: what they said themselves, or what SLURM wrote into their logs."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from coatline.campaign.claims import Record

SIGNS = {
    "memory": ("exceeded memory limit", "oom-kill", "oom_kill", "Out Of Memory", "OUT_OF_MEMORY"),
    "time": ("DUE TO TIME LIMIT",),
}
"""What SLURM writes into the log of a job that it ends."""


Logs = Path | Mapping[str, Path]
"""Folder in which `slurm_logs` lie, or what `list_logs` has found there."""


def list_logs(folder: Path = Path(".snakemake")) -> dict[str, Path]:
    """All logs of SLURM jobs, by their numbers: for those who ask about many.

    Args:
        folder: where `slurm_logs` lie.
    """
    return {path.stem: path for path in folder.glob("slurm_logs/**/*.log")}


def list_causes(owner: Record, logs: Logs = Path(".snakemake")) -> list[str]:
    """Why a job's attempts failed, the first one first.

    Args:
        owner: its claim.
        logs: of SLURM jobs.
    """
    return [*owner.get("history", []), explain_end(owner, logs)]


def explain_end(owner: Record, logs: Logs = Path(".snakemake")) -> str:
    """Why an attempt ended: what it said itself, or what SLURM wrote, or just `killed`.

    Args:
        owner: its claim.
        logs: of SLURM jobs.
    """
    said = owner.get("cause") if owner.get("ended") else "killed"
    if owner.get("slurm") and said in ("killed", "stopped", "error", "memory"):
        number = int(owner["slurm"])
        found: Iterable[Path | None] = (
            logs.glob(f"slurm_logs/**/{number}.log")
            if isinstance(logs, Path)
            else [logs.get(str(number))]
        )
        for path in filter(None, found):
            text = path.read_text(encoding="utf-8", errors="replace")
            for cause, signs in SIGNS.items():
                if any(sign in text for sign in signs):
                    return cause
    return str(said)
