"""The head of a campaign: alive, dead, or on another host."""

import json
import os
import subprocess
import sys
import threading
import time

import netCDF4
import pytest

from coatline.campaign import head
from coatline.campaign.claims import describe_self
from coatline.campaign.head import (
    advise,
    describe_head,
    is_at_work,
    is_still_at_work,
    leave_work,
    read_head,
    take_up_work,
)
from coatline.campaign.provenance import stamp_record
from coatline.campaign.resume import sweep_chains


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


def test_segments_of_a_job_that_has_delivered_are_swept(tmp_path):
    """A job killed between its results and its end leaves its chain; another's chain stays."""
    folder = tmp_path / "manufacture" / "y00"
    for stage, token in (("dry", "mine"), ("press", "other")):
        (folder / f".chain-{stage}").mkdir(parents=True)
        (folder / f".chain-{stage}" / "owner").write_text(token)
    with netCDF4.Dataset(folder / "dried.nc", "w"):
        pass
    stamp_record(folder / "dried.nc", "dry", {"token": "mine"})
    sweep_chains(tmp_path)
    assert [path.name for path in folder.glob(".chain-*")] == [".chain-press"]
