"""Looks at SLURM that nobody answered."""

from collections.abc import AsyncIterator
from typing import Any


def keep_unanswered(executor: Any) -> None:
    """Have jobs asked after again when SLURM gave no answer to a look.

    The executor (snakemake-executor-plugin-slurm 2.8) forgets all jobs that run when every question
    of a look fails, as while slurmctld is restarted: it neither looks again nor says so, and
    Snakemake waits for ever.

    Args:
        executor: Snakemake's executor for SLURM; another is left as it is.
    """
    if not hasattr(executor, "_status_query_calls"):
        return
    check = executor.check_active_jobs

    async def check_active_jobs(active: list[Any]) -> AsyncIterator[Any]:
        answers = executor._status_query_calls
        async for job in check(active):
            yield job
        if executor._status_query_calls == answers:
            for job in active:
                yield job

    executor.check_active_jobs = check_active_jobs
