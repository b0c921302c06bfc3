"""Ending what a killed Snakemake has left, with programs that stand in for SLURM's."""

import json
import os
import subprocess
import sys

import pytest

from coatline.campaign.claims import describe_self, read_claim
from coatline.campaign.resume import end_job, settle

SQUEUE = """
import sys
from pathlib import Path
jobs = dict(line.split("|") for line in Path("queue").read_text().split())
words = sys.argv[1:]
if "--name" in words:
    assert words[words.index("--name") + 1] == "run"
    print(*(f"{job}|{state}" for job, state in jobs.items()), sep="\\n")
elif (job := words[words.index("-j") + 1]) in jobs:
    print(jobs[job])
else:
    sys.exit("slurm_load_jobs error: Invalid job id specified")
"""
SCANCEL = """
import sys
from pathlib import Path
*which, job = sys.argv[1:]
jobs = dict(line.split("|") for line in Path("queue").read_text().split())
if which in ([], [f"--state={jobs.get(job)}"]):
    jobs.pop(job, None)
Path("queue").write_text("".join(f"{job}|{state}\\n" for job, state in jobs.items()))
with open("cancelled", "a") as log:
    print(*sys.argv[1:], file=log)
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder to work in, where `queue` is SLURM's queue and `cancelled` what was cancelled."""
    for name, code in (("squeue", SQUEUE), ("scancel", SCANCEL)):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!{sys.executable} -S\n{code}")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_claim(campaign, name, **owner):
    path = campaign / "jobs" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(describe_self() | {"rule": "dry"} | owner))
    return path


def write_campaign(folder):
    """One job runs in SLURM, one waits, and their Snakemake is dead."""
    campaign = folder / "results" / "small"
    write_claim(campaign, "manufacture.y00.dry", host="elsewhere", slurm="12")
    write_claim(campaign, "head", ticks=0, run="run")
    (folder / "queue").write_text("12|RUNNING\n13|PENDING\n")
    return campaign


def test_cancelling_ends_what_runs_and_what_waits(slurm):
    said = []
    settle(write_campaign(slurm), True, said.append, wait=0.01)
    assert (slurm / "queue").read_text() == ""
    assert sorted((slurm / "cancelled").read_text().split("\n")) == ["", "12", "13"]
    assert said == ["ending manufacture.y00.dry"]


def test_without_cancelling_only_what_waits_is_taken_out(slurm):
    """What runs is waited for, even where it began between two looks."""
    campaign = write_campaign(slurm)
    claim = campaign / "jobs" / "manufacture.y00.dry.json"

    def end(line):
        assert line == "waiting for manufacture.y00.dry"
        assert (slurm / "queue").read_text() == "12|RUNNING\n"
        (slurm / "queue").write_text("")
        claim.unlink()

    settle(campaign, False, end, wait=0.01)
    assert set((slurm / "cancelled").read_text().split("\n")) == {"", "--state=PENDING 13"}


HOLDER = """
import sys, time
from pathlib import Path
from coatline.campaign.claims import claim
claim(Path(sys.argv[1]), {"rule": "dry"})
print("in", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("number", [None, "12"])
def test_a_job_of_this_host_is_ended_by_a_signal(slurm, monkeypatch, number):
    """Also where it bears the number of the SLURM job that the asker is in, which goes on."""
    path = slurm / "results" / "small" / "jobs" / "manufacture.y00.dry.json"
    monkeypatch.setenv("SLURM_JOB_ID", "12") if number else None
    (slurm / "queue").write_text("12|RUNNING\n")
    command = [sys.executable, "-c", HOLDER, str(path)]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"in\n"
        assert read_claim(path)["slurm"] == number
        end_job(read_claim(path) | {"ticks": 1})
        assert holder.poll() is None, "its number belongs to another process now"
        settle(slurm / "results" / "small", True, lambda line: None, wait=0.05)
        assert holder.wait(timeout=10) == -15
        assert not (slurm / "cancelled").exists()
    finally:
        holder.kill()
        holder.wait()
