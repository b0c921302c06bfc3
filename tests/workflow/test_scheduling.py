"""Snakemake's scheduler as campaigns of thousands of jobs need it."""

import pytest

from tests.workflow.clones import make_clone

pytestmark = pytest.mark.workflow
WATCH = """    import threading
    timers = sum(type(thread) is threading.Timer for thread in threading.enumerate())
    limit = workflow.scheduler.job_rate_limiter
    print("timers", timers, "limit", limit and (limit.max_jobs, limit.timespan))
"""
"""Says at the end what else would go on."""
OPTIONS = ("--cores", "1", "--configfile", "small.yaml", "--until", "press")


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A clone that says at the end of a run how its scheduler was limited."""
    clone = make_clone(tmp_path_factory.mktemp("scheduling") / "clone")
    clone.edit("workflow/rules/campaign.smk", "onsuccess:\n", f"onsuccess:\n{WATCH}")
    return clone


def test_no_timers_are_left_by_the_jobs_that_have_ended(clone):
    result = clone.snakemake(*OPTIONS)
    assert result.returncode == 0, result.stderr
    assert "timers 0 limit None" in result.stdout


def test_a_limit_of_ones_own_is_kept(clone):
    result = clone.snakemake("--max-jobs-per-timespan", "90/1s", "--forcerun", "press", *OPTIONS)
    assert result.returncode == 0, result.stderr
    assert "limit (90, 1.0)" in result.stdout
