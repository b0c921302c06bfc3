"""Damaged files that were removed: only what comes out as it was gets its times back."""

import json
import os

import pytest

from coatline.campaign.delivery import digest
from coatline.campaign.removed import (
    REMAKING,
    judge_remade,
    list_removed,
    note_removal,
    restore_times,
)
from coatline.campaign.start import declare_start

LONG_AGO = 10**18
NAMES = ("press.nc", "grid00.restart", "grid01.restart")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A pressed film made long ago, of which one state was cut off and removed."""
    folder = tmp_path / "small" / "manufacture" / "y00"
    folder.mkdir(parents=True)
    monkeypatch.setenv("COATLINE_STARTED", "")  # given back after the test
    monkeypatch.setenv(REMAKING, "1")
    declare_start({"seed": 1}, {"press": ["code"]})
    write(folder)
    for name in NAMES:
        os.utime(folder / name, ns=(LONG_AGO, LONG_AGO))
    state = folder / "grid01.restart"
    said = {state.name: digest(state)}
    state.write_bytes(b"sta")
    os.utime(state, ns=(LONG_AGO, LONG_AGO))
    note_removal(state, said)
    state.unlink()
    return folder


def write(folder, state=b"state"):
    """Press the film; the record is another one each time."""
    for name in NAMES:
        (folder / name).write_bytes(os.urandom(8) if name.endswith(".nc") else state)


def remake(folder, state=b"state"):
    """Make it again; the names of what then has its old time."""
    campaign = folder.parents[1]
    assert list_removed(campaign) == [str(folder / "grid01.restart")]
    removed = list_removed(campaign)
    write(folder, state)
    judge_remade([str(folder / name) for name in NAMES], "press")
    restore_times(removed)
    assert list_removed(campaign) == [] and not list(folder.glob(".removed-*"))
    return [name for name in NAMES if (folder / name).stat().st_mtime_ns == LONG_AGO]


def test_what_is_as_it_was_gets_its_times_back(folder):
    assert remake(folder) == list(NAMES)


def test_a_second_job_that_misses_it_leaves_the_note_as_it_is(folder):
    note_removal(folder / "grid01.restart", {})
    assert remake(folder) == list(NAMES)


def test_other_bytes_keep_their_time(folder):
    assert remake(folder, b"other") == []


@pytest.mark.parametrize(
    ("config", "code"), [({"seed": 2}, ["code"]), ({"seed": 1}, ["other code"])]
)
def test_another_configuration_or_code_keeps_its_time(folder, config, code):
    """The record may have changed where the states have not."""
    declare_start(config, {"press": code})
    assert remake(folder) == []


def test_note_that_is_cut_off_itself_says_nothing(folder):
    note = folder / ".removed-grid01.restart.json"
    note.write_bytes(note.read_bytes()[:-20])
    assert remake(folder) == []


def test_a_plain_run_has_planned_what_follows_already(folder, monkeypatch):
    monkeypatch.delenv(REMAKING)
    assert remake(folder) == []


def test_where_thousands_lie_in_one_folder_nothing_is_noted(tmp_path):
    path = tmp_path / "small" / "measure" / "y00c0.nc"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"cut")
    note_removal(path, {})
    assert [one.name for one in path.parent.iterdir()] == ["y00c0.nc"]


def test_note_says_what_the_record_said_of_the_damaged_file(folder):
    note = json.loads((folder / ".removed-grid01.restart.json").read_text())
    assert note["files"]["grid01.restart"] == [LONG_AGO, note["files"]["grid00.restart"][1]]
