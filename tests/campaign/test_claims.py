"""Claims: of many who want one result, one makes it; the dead are recognised."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coatline.campaign import claims
from coatline.campaign.claims import claim, describe_self, list_claims, read_claim, tell_life

WORKER = """
import sys, time
from pathlib import Path
from coatline.campaign.claims import claim
folder = Path(sys.argv[1])
for _ in range(5):
    mine = claim(folder / "jobs" / "one.json", {"rule": "press"}, wait=0.01)
    inside = folder / "inside"
    inside.mkdir()  # fails when another one is inside
    time.sleep(0.01)
    inside.rmdir()
    mine.release()
print("fine")
"""


def test_one_at_a_time_of_many(tmp_path):
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for worker in workers:
        out, err = worker.communicate(timeout=120)
        assert out.endswith("fine\n"), err
    assert list((tmp_path / "jobs").iterdir()) == []


def test_claim_of_a_killed_owner_is_taken_over_and_known(tmp_path):
    path = tmp_path / "jobs" / "one.json"
    code = (
        "import os, sys; from pathlib import Path; from coatline.campaign.claims import claim;"
        "claim(Path(sys.argv[1]), {'rule': 'dry', 'mark': 7}); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert done.returncode == -9 and read_claim(path)["mark"] == 7
    assert tell_life(read_claim(path)) is False
    mine = claim(path, {"rule": "dry"})
    assert mine.before["mark"] == 7 and mine.is_held()
    mine.release()
    assert not path.exists()


def test_living_owner_is_waited_for(tmp_path):
    path = tmp_path / "jobs" / "one.json"
    code = (
        "import sys, time; from pathlib import Path; from coatline.campaign.claims import claim;"
        "mine = claim(Path(sys.argv[1]), {'rule': 'dry'}); print('in', flush=True);"
        "time.sleep(1.5); mine.release()"
    )
    other = subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"in\n"
    started = time.monotonic()
    claim(path, {"rule": "dry"}, wait=0.1).release()
    assert time.monotonic() - started > 0.5
    other.wait()


def test_failure_leaves_its_cause_until_success(tmp_path):
    path = tmp_path / "jobs" / "one.json"
    claim(path, {"rule": "dry"}).leave("memory", "too little")
    assert list_claims(tmp_path)["one"]["cause"] == "memory"
    again = claim(path, {"rule": "dry"})
    assert again.before["line"] == "too little"
    again.release()
    assert list_claims(tmp_path) == {}


def test_life(monkeypatch):
    me = describe_self() | {"slurm": None}
    assert tell_life(me) is True
    assert tell_life(me | {"ticks": me["ticks"] - 1}) is False  # the number was used again
    assert tell_life(me | {"boot": "another"}) is False
    assert tell_life(me | {"host": "elsewhere"}) is None
    far = me | {"host": "elsewhere", "slurm": "12"}
    for state, life in (("RUNNING", True), ("", False), ("TIMEOUT", False), (None, None)):
        monkeypatch.setattr(claims, "ask_slurm", lambda job, state=state: state)
        assert tell_life(far) is life, state


def test_slurm_is_asked_once_for_all(monkeypatch):
    asked = []

    def squeue(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, "12|RUNNING\n13|TIMEOUT\n", "")

    monkeypatch.setattr(claims.subprocess, "run", squeue)
    owners = [describe_self() | {"host": "elsewhere", "slurm": str(n)} for n in (12, 13, 14)]
    ask = claims.ask_slurm_once(owners)
    assert [tell_life(owner, ask) for owner in owners] == [True, False, False]
    assert len(asked) == 1 and "12,13,14" in asked[0]


@pytest.mark.parametrize(
    ("words", "questions", "life"),
    [
        ("slurm_load_jobs error: Unable to contact slurm controller (connect failure)", 1, None),
        ("slurm_load_jobs error: Invalid job id specified", 3, False),
    ],
)
def test_slurm_that_refuses_the_question(monkeypatch, words, questions, life):
    """Job by job it is asked only where one job spoils the answer, not where it is down."""
    asked = []

    def squeue(command, **_):
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", words)

    monkeypatch.setattr(claims.subprocess, "run", squeue)
    owners = [describe_self() | {"host": "elsewhere", "slurm": str(n)} for n in (12, 13)]
    ask = claims.ask_slurm_once(owners)
    assert [tell_life(owner, ask) for owner in owners] == [life, life]
    assert len(asked) == questions


def test_silent_owner_elsewhere_is_judged_by_its_beat(tmp_path, monkeypatch):
    monkeypatch.setattr(claims, "BEAT", 0.1)
    path = tmp_path / "jobs" / "one.json"
    path.parent.mkdir()
    path.write_text(json.dumps(describe_self() | {"host": "elsewhere", "slurm": None, "rule": "x"}))
    os.utime(path, (1, 1))  # long ago by this clock: clocks are not compared
    started = time.monotonic()
    claim(path, {"rule": "x"}, wait=0.05).release()
    assert 0.3 < time.monotonic() - started < 10


def test_claim_that_was_lost_is_not_given_back(tmp_path):
    path = tmp_path / "jobs" / "one.json"
    mine = claim(path, {"rule": "x"})
    path.write_text(json.dumps({"rule": "x", "token": "another"}))
    assert not mine.is_held()
    mine.release()
    assert read_claim(path)["token"] == "another"


@pytest.mark.parametrize("text", ["", "{", "[]x"])
def test_broken_claim_counts_as_ended(tmp_path, text):
    path = Path(tmp_path) / "one.json"
    path.write_text(text)
    assert tell_life(read_claim(path)) is False
