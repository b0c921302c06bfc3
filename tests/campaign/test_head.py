"""The head of a campaign: alive, dead, or on another host."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import netCDF4
import pytest
from snakemake.persistence.file import FilePersistence

from coatline.campaign import head
from coatline.campaign.claims import HEAD_JOB, describe_self
from coatline.campaign.delivery import digest
from coatline.campaign.head import (
    advise,
    describe_head,
    is_at_work,
    is_still_at_work,
    leave_work,
    list_locks,
    read_head,
    take_up_work,
)
from coatline.campaign.locks import keep_locks_apart
from coatline.campaign.provenance import stamp_record
from coatline.campaign.resume import find_campaign, resume, sweep_chains, unlock
from coatline.errors import InputError


def write_head(campaign, **changes):
    path = campaign / "jobs" / "head.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(describe_self() | {"options": []} | changes))
    return path


def test_work_is_taken_up_and_left(tmp_path):
    take_up_work(tmp_path, "run", ["--cores", "1"])
    assert is_at_work(tmp_path) is True and read_head(tmp_path)["options"] == ["--cores", "1"]
    leave_work(tmp_path)
    assert read_head(tmp_path) is None and is_at_work(tmp_path) is False


def test_second_head_is_refused(tmp_path, capsys):
    code = (
        "import sys, time; from pathlib import Path; from coatline.campaign.head import *;"
        "take_up_work(Path(sys.argv[1]), None); print('in', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"in\n"
    with pytest.raises(SystemExit):
        take_up_work(tmp_path, None, [])
    assert "another Snakemake is at work" in capsys.readouterr().err
    leave_work(tmp_path)
    assert read_head(tmp_path) is not None, "another one's file was removed"
    other.kill()
    other.wait()
    advise(tmp_path)
    assert f"to recover: coatline resume {tmp_path.name}" in capsys.readouterr().err
    assert "was killed" in describe_head(tmp_path)
    take_up_work(tmp_path, None, [])


def test_head_on_another_host_is_watched(tmp_path, monkeypatch):
    monkeypatch.setattr(head, "BEAT", 0.1)
    path = write_head(tmp_path, host="elsewhere")
    assert is_at_work(tmp_path) is None
    assert not is_still_at_work(tmp_path)
    over = threading.Event()

    def touch():
        while not over.wait(0.03):
            os.utime(path, ns=(time.time_ns(), time.time_ns()))

    thread = threading.Thread(target=touch)
    thread.start()
    assert is_still_at_work(tmp_path)
    over.set()
    thread.join()


def test_head_in_a_slurm_job_elsewhere_is_dead_once_that_is_over(tmp_path, monkeypatch, capsys):
    """While its SLURM job lasts, its process may be dead: that stays unknown."""
    campaign = tmp_path / "small"
    write_head(campaign, host="elsewhere", slurm="12")
    for state, life in (("", False), ("TIMEOUT", False), ("RUNNING", None), (None, None)):
        monkeypatch.setattr(head, "ask_slurm", lambda job, state=state: state)
        assert is_at_work(campaign) is life, state
        advise(campaign)
        assert ("was killed; to recover" in capsys.readouterr().err) is (life is False)


def lock(folder, campaign):
    path = folder / ".snakemake" / "locks" / "0.output.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{campaign.as_posix()}/dataset.nc\n")


def test_advice_where_nobody_can_tell(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    campaign = tmp_path / "results" / "small"
    path = write_head(campaign, host="elsewhere", pid=77)
    advise(campaign)
    assert capsys.readouterr().err == "", "another run of it may go on, and this one is free to"
    lock(tmp_path, campaign)
    advise(campaign)
    said = capsys.readouterr().err
    assert "cannot be told from here whether it lives: look on elsewhere (ps -p 77)" in said
    assert said.endswith("if it is gone, to recover: coatline resume small\n")
    path.unlink()
    advise(campaign)
    said = capsys.readouterr().err
    assert "is locked, and nothing says by which Snakemake" in said
    assert "coatline resume small -- OPTIONS" in said


def test_locked_campaign_without_a_folder_can_be_taken_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="there is no campaign 'small'"):
        find_campaign("small")
    lock(tmp_path, Path("results/small"))
    assert find_campaign("small") == Path("results/small")
    with pytest.raises(InputError, match="give its options after --"):
        resume(Path("results/small"), False, [], print)
    assert unlock(Path("results/small")) == 1


def test_work_that_was_not_begun_leaves_nothing(tmp_path):
    take_up_work(tmp_path, None, [], begun=False)
    leave_work(tmp_path, begun=False)
    assert read_head(tmp_path) is None
    take_up_work(tmp_path, None, [], begun=False)
    take_up_work(tmp_path, "run", [])
    leave_work(tmp_path, begun=False)
    assert read_head(tmp_path)["run"] == "run", "jobs may be left"
    leave_work(tmp_path)
    assert read_head(tmp_path) is None


def test_what_a_killed_head_left_stands_until_jobs_are_begun(tmp_path):
    """A run that has nothing to do, or is killed at once, says nothing of the campaign."""
    campaign = tmp_path / "small"
    path = write_head(campaign, pid=1, ticks=-1, options=["--profile", "slurm"], run="abc")
    before = path.read_text()
    take_up_work(campaign, None, begun=False)
    leave_work(campaign, begun=False)
    assert path.read_text() == before
    take_up_work(campaign, "def", ["--cores", "2"])
    assert read_head(campaign)["options"] == ["--cores", "2"]


def test_a_run_on_behalf_of_the_campaign_leaves_its_options(tmp_path, monkeypatch):
    """What was damaged is made again first and alone; killed then, the whole is to go on."""
    monkeypatch.setenv(head.OPTIONS, json.dumps(["--profile", "slurm"]))
    take_up_work(tmp_path / "small", None)
    assert read_head(tmp_path / "small")["options"] == ["--profile", "slurm"]


def test_a_head_keeps_the_number_of_its_slurm_job(monkeypatch):
    """Snakemake's executor takes SLURM's variables out of the environment."""
    monkeypatch.setenv(HEAD_JOB, "")  # to be put back
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    head.note_own_job()
    monkeypatch.delenv("SLURM_JOB_ID")
    assert describe_self()["slurm"] == "12"
    monkeypatch.setenv("SLURM_JOB_ID", "13")
    assert describe_self()["slurm"] == "13", "a job of SLURM's own"


def test_locks_of_two_runs_in_one_clone(tmp_path):
    """One that ends takes its own alone, also where another one was about to write its first."""

    class Locks(FilePersistence):
        pass

    said = []
    keep_locks_apart(Locks, lambda: said.append("taken"), lambda: said.append("given back"))
    first, second = Locks(path=tmp_path), Locks(path=tmp_path)
    first._write_locks("output", ["results/a/dataset.nc"])
    first.unlock()
    assert said == ["taken", "given back"]
    shutil.rmtree(tmp_path / "locks")
    second._write_locks("output", ["results/b/dataset.nc"])
    first._write_locks("output", ["results/a/dataset.nc"])
    first.unlock()
    assert list_locks(Path("results/b"), tmp_path) and not list_locks(Path("results/a"), tmp_path)
    Locks(path=tmp_path).cleanup_locks()  # snakemake --unlock
    assert not list_locks(Path("results/b"), tmp_path)


def test_segments_of_a_job_that_has_delivered_are_swept(tmp_path):
    """A job killed between its results and its end leaves its chain; another's chain stays, and
    that of results which are cut off."""
    folder = tmp_path / "manufacture" / "y00"
    for stage, token in (("slurry", "cut"), ("dry", "mine"), ("press", "other")):
        (folder / f".chain-{stage}").mkdir(parents=True)
        (folder / f".chain-{stage}" / "owner").write_text(token)
    for name, stage, token in (("slurry", "slurry", "cut"), ("dried", "dry", "mine")):
        state = folder / f"{name}.restart"
        state.write_bytes(b"particles")
        with netCDF4.Dataset(folder / f"{name}.nc", "w"):
            pass
        files = {state.name: digest(state)}
        stamp_record(folder / f"{name}.nc", stage, {"token": token, "files": files})
    (folder / "slurry.restart").write_bytes(b"part")
    sweep_chains(tmp_path)
    left = sorted(path.name for path in folder.glob(".chain-*"))
    assert left == [".chain-press", ".chain-slurry"]
