"""How long SLURM leaves a job."""

import math
import os
import subprocess
import sys
import time

import pytest

from coatline.campaign.walltime import count_seconds_in, count_seconds_left


@pytest.fixture
def job(monkeypatch):
    """This process in a SLURM job, which began with it, whatever the clock of the node says."""
    for name in ("START", "END"):
        monkeypatch.delenv(f"SLURM_JOB_{name}_TIME", raising=False)
    monkeypatch.setenv("SLURM_JOB_ID", "987654321")
    return monkeypatch


def test_clocks_are_not_compared(job):
    """A node whose clock is ten years ahead of SLURM's has as long as any other."""
    begun = time.time() - 10 * 365 * 24 * 3600
    job.setenv("SLURM_JOB_START_TIME", f"{begun:.0f}")
    job.setenv("SLURM_JOB_END_TIME", f"{begun + 36000:.0f}")
    left = count_seconds_left(5, 1)
    passed = count_seconds_in("987654321")
    assert 0 < passed < 35000 and left == pytest.approx(36000 - passed, abs=2)


def test_time_counts_from_the_first_process_of_the_job(job):
    """Not from that of this step of it."""
    code = "import time; print('in', flush=True); time.sleep(60)"
    first = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    try:
        assert first.stdout.readline() == b"in\n"
        time.sleep(1.2)
        ask = (
            "from coatline.campaign.walltime import count_seconds_in;"
            "print(count_seconds_in('987654321'), count_seconds_in('1'))"
        )
        done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True)
        ours, another = map(float, done.stdout.split())
    finally:
        first.kill()
        first.wait()
    assert ours > another + 1.1


def test_slurm_that_says_no_times_gives_what_was_asked_for(job):
    assert count_seconds_left(5, 100) == 200
    job.setenv("SLURM_JOB_END_TIME", "1")  # says nothing alone
    assert count_seconds_left(5, 100) == 200
    assert count_seconds_left(None, 100) == math.inf


def test_without_slurm_nobody_ends_it(job):
    job.delenv("SLURM_JOB_ID")
    assert "SLURM_JOB_ID" not in os.environ and count_seconds_left(5, 100) == math.inf
