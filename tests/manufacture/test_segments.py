"""Chains of segments: what is kept and taken up again, and that bytes do not depend on it."""

import gzip
import json
import time

import pytest

from coatline.manufacture import segments
from coatline.manufacture.engine import Engine, EngineError, PhysicalFailure
from coatline.manufacture.record import read_results, read_series_of
from coatline.manufacture.segments import (
    FAILURE,
    LEDGER,
    Keeping,
    WalltimeError,
    make_key,
    open_chain,
    run_segments,
)
from coatline.manufacture.stages import dry_film, press_film
from tests.conftest import DECKS, DRYING, PRESSING

PROGRAM = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -var ] && eval "$2='$3'"; shift; done
echo "LAMMPS ({version})"
number=$(echo "$onward" | tr -dc 0-9)
echo "run $number from $from to $entry$turns"
[ "$number" = "{fails}" ] && exit 9
[ "$number" = "{blows}" ] && echo "ERROR: Lost atoms: original 10 current 9" && exit 1
echo "coatline: result part$number $number"
printf 'step height\\n%s 0\\n%s 1\\n' "$((100 * number - 100))" "$((100 * number))" > "$series"
if [ "$number" -lt 4 ]; then
  echo "state $number" > "$onward"
  echo "coatline: station hold turns $number"
else
  echo "coatline: done"
fi
"""
"""Stands in for LAMMPS: three stations, then the end."""


def program(tmp_path, fails=0, blows=0, version="1"):
    path = tmp_path / "lmp"
    path.write_text(PROGRAM.format(fails=fails, blows=blows, version=version))
    path.chmod(0o755)
    return Engine(command=str(path))


def run(tmp_path, deadline=float("inf"), **how):
    """A run in a folder that stays; its results and which segments ran."""
    (tmp_path / "here").mkdir(exist_ok=True)
    log = tmp_path / "log"
    log.unlink(missing_ok=True)
    engine = program(tmp_path, **how)
    variables = {"from": "first", "entry": "start"}
    results = None
    try:
        results = run_segments(
            engine, tmp_path / "dry.lmp", tmp_path / "here", log, variables, deadline
        )
    except (EngineError, PhysicalFailure, WalltimeError) as error:
        results = error
    text = log.read_text() if log.exists() else ""
    return results, [line for line in text.splitlines() if line.startswith("run ")]


WHOLE = {"part1": 1.0, "part2": 2.0, "part3": 3.0, "part4": 4.0}


def test_segments_hand_over_state_counts_and_results(tmp_path):
    results, ran = run(tmp_path)
    assert results == WHOLE
    assert ran[0] == "run 1 from first to start"
    assert ran[3] == "run 4 from segment.3.restart to hold3"
    table = (tmp_path / "here" / "series.txt").read_text().split("\n")
    assert table[0] == "step height"
    assert [row.split()[0] for row in table[1:-1]] == ["0", "100", "200", "300", "400"]


def test_an_interrupted_chain_goes_on_where_it_was(tmp_path):
    error, ran = run(tmp_path, fails=3)
    assert isinstance(error, EngineError) and len(ran) == 3
    results, ran = run(tmp_path)
    assert results == WHOLE and [line.split()[1] for line in ran] == ["3", "4"]


def test_a_damaged_state_begins_the_chain_anew(tmp_path):
    run(tmp_path, fails=3)
    (tmp_path / "here" / "segment.2.restart").write_text("state")
    results, ran = run(tmp_path)
    assert results == WHOLE and len(ran) == 4


def test_half_a_ledger_begins_the_chain_anew(tmp_path):
    run(tmp_path, fails=3)
    ledger = tmp_path / "here" / LEDGER
    ledger.write_text(ledger.read_text()[:20])
    assert len(run(tmp_path)[1]) == 4


def test_another_lammps_begins_the_chain_anew(tmp_path):
    run(tmp_path, fails=3)
    results, ran = run(tmp_path, version="2")
    assert results == WHOLE
    assert [line.split()[1] for line in ran] == ["3", "1", "2", "3", "4"]


def test_a_blow_up_is_not_run_again(tmp_path):
    first, ran = run(tmp_path, blows=2)
    again, rerun = run(tmp_path, blows=2)
    assert isinstance(first, PhysicalFailure) and str(first) == str(again)
    assert len(ran) == 2 and rerun == []


def test_no_segment_is_begun_that_would_not_end_in_time(tmp_path):
    run(tmp_path, fails=3)
    ledger = tmp_path / "here" / LEDGER
    ledger.write_text(json.dumps(json.loads(ledger.read_text()) | {"longest": 100.0}))
    error, ran = run(tmp_path, deadline=time.monotonic() + 105)
    assert isinstance(error, WalltimeError) and ran == []
    assert "2 segments are made" in str(error)
    assert len(run(tmp_path, deadline=time.monotonic() + 200)[1]) == 2


def test_a_key_depends_on_program_decks_files_and_values(tmp_path):
    decks, file = tmp_path / "decks", tmp_path / "file"
    decks.mkdir()
    (decks / "dry.lmp").write_text("run 1")
    file.write_text("state")
    engine = program(tmp_path)
    key = make_key(engine, decks, [file], {"dt": 0.1})
    assert key == make_key(engine, decks, [file], {"dt": 0.1})
    assert key != make_key(engine, decks, [file], {"dt": 0.2})
    assert key != make_key(program(tmp_path, version="22"), decks, [file], {"dt": 0.1})
    file.write_text("other")
    other = make_key(engine, decks, [file], {"dt": 0.1})
    (decks / "dry.lmp").write_text("run 2")
    assert len({key, other, make_key(engine, decks, [file], {"dt": 0.1})}) == 3


@pytest.mark.parametrize("kept", [LEDGER, FAILURE, None])
def test_only_an_interrupted_chain_with_something_to_keep_stays(tmp_path, kept):
    folder = tmp_path / ".chain-dry"
    with pytest.raises(KeyboardInterrupt), open_chain(folder, "a"):
        (folder / "attempt0").mkdir()
        if kept:
            (folder / "attempt0" / kept).touch()
        raise KeyboardInterrupt
    assert folder.exists() == bool(kept)
    with open_chain(folder, "a"):
        assert bool(list(folder.glob("attempt0/*"))) == bool(kept)
    with open_chain(folder, "b"):
        assert not list(folder.glob("attempt0"))


class Interrupted(BaseException):
    """As a kill would, between two segments."""


def _interrupt_after(monkeypatch, count):
    original, made = segments.run_segment, []

    def run_segment(*arguments):
        if len(made) == count:
            raise Interrupted
        made.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(segments, "run_segment", run_segment)
    return made


def _count_segments(folder):
    return (folder / "log").read_text().count("coatline: run")


@pytest.mark.slow
def test_an_interrupted_film_has_the_bytes_of_an_undisturbed_one(rich, tmp_path, monkeypatch):
    """Drying and pressing of a real film in segments, one of them stopped twice on its way."""
    monkeypatch.setattr(segments, "SEGMENT", 4e5)
    rich.slurry()
    field = rich.material.force_field("default")

    def make(folder):
        common = {"force_field": field, "decks": DECKS, "engine": Engine(), "log": folder / "log"}
        folder.mkdir(exist_ok=True)
        dry_film(
            slurry_state=rich.folder / "slurry.restart",
            slurry_record=rich.folder / "slurry.nc",
            state=folder / "dried.restart",
            record=folder / "dried.nc",
            data=folder / "dried.data.gz",
            protocol=DRYING,
            keeping=Keeping(folder / ".chain-dry"),
            **common,
        )
        press_film(
            dried_state=folder / "dried.restart",
            dried_record=folder / "dried.nc",
            grid=[folder / f"grid{k}.restart" for k in range(5)],
            record=folder / "press.nc",
            frames=folder / "frames.gz",
            upper_compression=10.0,
            protocol=PRESSING | {"frame_spacing": 1.0},
            keeping=Keeping(folder / ".chain-press"),
            **common,
        )

    make(tmp_path / "whole")
    total = _count_segments(tmp_path / "whole")
    assert total > 8
    stopped = tmp_path / "stopped"
    # The segments that a stage makes last are made again where it was not yet put in place.
    for count in (3, 2):
        with monkeypatch.context() as patch:
            made = _interrupt_after(patch, count)
            with pytest.raises(Interrupted):
                make(stopped)
            assert len(made) == count
    make(stopped)
    assert _count_segments(stopped) == total
    for name in ("dried.restart", *(f"grid{k}.restart" for k in range(5))):
        assert (stopped / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    for name in ("dried.nc", "press.nc"):
        for read in (read_results, read_series_of):
            one, other = read(stopped / name), read(tmp_path / "whole" / name)
            assert {k: v.tolist() if hasattr(v, "tolist") else v for k, v in one.items()} == {
                k: v.tolist() if hasattr(v, "tolist") else v for k, v in other.items()
            }
    frames = gzip.decompress((stopped / "frames.gz").read_bytes())
    assert frames == gzip.decompress((tmp_path / "whole" / "frames.gz").read_bytes())
    steps = [int(part.split()[0]) for part in frames.decode().split("ITEM: TIMESTEP")[1:]]
    assert len(steps) == len(set(steps)) == 11
    for state in ("whole", "stopped"):
        assert read_series_of(tmp_path / state / "press.nc")["step"][0] == 0
