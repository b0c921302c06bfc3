"""Why attempts of a job ended: what they said themselves, or what SLURM wrote into their logs."""

from pathlib import Path

from coatline.campaign.claims import Record

SIGNS = {
    "memory": ("exceeded memory limit", "oom-kill", "oom_kill", "Out Of Memory", "OUT_OF_MEMORY"),
    "time": ("DUE TO TIME LIMIT",),
}
"""What SLURM writes into the log of a job that it ends."""


def list_causes(owner: Record, logs: Path = Path(".snakemake")) -> list[str]:
    """Why a job's attempts failed, the first one first.

    Args:
        owner: its claim.
        logs: where `slurm_logs` lie.
    """
    return [*owner.get("history", []), explain_end(owner, logs)]


def explain_end(owner: Record, logs: Path = Path(".snakemake")) -> str:
    """Why an attempt ended: what it said itself, or what SLURM wrote, or just `killed`."""
    said = owner.get("cause") if owner.get("ended") else "killed"
    if owner.get("slurm") and said in ("killed", "stopped", "error", "memory"):
        for path in logs.glob(f"slurm_logs/**/{int(owner['slurm'])}.log"):
            text = path.read_text(encoding="utf-8", errors="replace")
            for cause, signs in SIGNS.items():
                if any(sign in text for sign in signs):
                    return cause
    return str(said)
