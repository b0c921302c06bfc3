"""Chains of segments: what is kept and taken up again, and that bytes do not depend on it."""

import gzip
import json
import re
import shutil
import time

import pytest

from coatline.errors import CoatlineError, WalltimeError
from coatline.manufacture import segments
from coatline.manufacture.engine import Engine, EngineError, PhysicalFailure
from coatline.manufacture.record import read_results, read_series_of
from coatline.manufacture.segments import (
    FAILURE,
    LEDGER,
    OWNER,
    Keeping,
    make_key,
    open_chain,
    run_segments,
    seconds_before,
)
from coatline.manufacture.stages import calender_film, dry_film, make_slurry, press_film
from tests.conftest import DECKS, DRYING, PRESSING, SLURRY, SOLID_MASS, break_press

PROGRAM = """#!/bin/sh
while [ $# -gt 0 ]; do [ "$1" = -var ] && eval "$2='$3'"; shift; done
echo "LAMMPS ({version})"
{also}
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


def program(tmp_path, fails=0, blows=0, version="1", also=""):
    path = tmp_path / "lmp"
    path.write_text(PROGRAM.format(fails=fails, blows=blows, version=version, also=also))
    path.chmod(0o755)
    return Engine(command=str(path))


def run(tmp_path, deadline=float("inf"), token="", **how):
    """A run in a folder that stays; its results and which segments ran."""
    (tmp_path / "here").mkdir(exist_ok=True)
    keeping = Keeping(tmp_path, token=token, deadline=deadline)
    (tmp_path / OWNER).write_text(token)
    log = tmp_path / "log"
    log.unlink(missing_ok=True)
    engine = program(tmp_path, **how)
    variables = {"from": "first", "entry": "start"}
    results = None
    try:
        results = run_segments(
            engine, tmp_path / "dry.lmp", tmp_path / "here", log, variables, keeping
        )
    except CoatlineError as error:
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


def test_a_damaged_state_of_an_earlier_segment_begins_the_chain_anew(tmp_path):
    """Pressing leaves its grid states on the way: they are results, and nobody makes them again."""
    run(tmp_path, fails=2)
    (tmp_path / "here" / "grid.1.restart").write_text("state")
    run(tmp_path, fails=3)
    assert json.loads((tmp_path / "here" / LEDGER).read_text())["files"]["grid.1.restart"]
    (tmp_path / "here" / "grid.1.restart").write_text("")
    assert len(run(tmp_path)[1]) == 4


def test_a_job_that_has_lost_the_chain_adds_nothing_to_it(tmp_path):
    taken = f"echo other > {tmp_path / OWNER}"
    error, ran = run(tmp_path, token="mine", also=taken)
    assert isinstance(error, CoatlineError) and "taken over" in str(error)
    assert len(ran) == 1 and not (tmp_path / "here" / LEDGER).exists()


def test_time_of_earlier_attempts_is_known(tmp_path):
    run(tmp_path, fails=3, token="one")
    ledger = tmp_path / "here" / LEDGER
    past = json.loads(ledger.read_text())
    assert [owner for owner, _ in past["times"]] == ["one", "one"]
    (tmp_path / "attempt0").mkdir()
    ledger.rename(tmp_path / "attempt0" / LEDGER)
    assert seconds_before(tmp_path, "two") == sum(took for _, took in past["times"]) > 0
    assert seconds_before(tmp_path, "one") == 0


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
    # The first segment is always begun: nothing is known of its length, and clocks may differ.
    shutil.rmtree(tmp_path / "here")
    assert len(run(tmp_path, deadline=time.monotonic() - 5, fails=2)[1]) >= 1


def test_a_key_depends_on_program_decks_files_and_values(tmp_path):
    decks, file = tmp_path / "decks", tmp_path / "file"
    decks.mkdir()
    (decks / "dry.lmp").write_text("run 1")
    file.write_text("state")
    engine = program(tmp_path)
    key = make_key(engine, decks, [file], {"dt": 0.1})
    assert key == make_key(engine, decks, [file], {"dt": 0.1})
    assert key != make_key(engine, decks, [file], {"dt": 0.2})
    assert key != make_key(engine, decks, [file], {"dt": 0.1}, code="edited")
    assert key != make_key(program(tmp_path, version="22"), decks, [file], {"dt": 0.1})
    key = make_key(engine, decks, [file], {"dt": 0.1})
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


def _make(line, folder, keep=True):
    """Dry and press a film of the line to 10 %, calender it to 7 %."""
    folder.mkdir(exist_ok=True)

    def common(stage):
        return {
            "force_field": line.material.force_field("default"),
            "decks": DECKS,
            "engine": Engine(),
            "log": folder / f"{stage}.log",
            "keeping": Keeping(folder / f".chain-{stage}") if keep else None,
        }

    dry_film(
        slurry_state=line.folder / "slurry.restart",
        slurry_record=line.folder / "slurry.nc",
        state=folder / "dried.restart",
        record=folder / "dried.nc",
        data=folder / "dried.data.gz",
        protocol=DRYING,
        **common("dry"),
    )
    grid = [folder / f"grid{k}.restart" for k in range(5)]
    press_film(
        dried_state=folder / "dried.restart",
        dried_record=folder / "dried.nc",
        grid=grid,
        record=folder / "press.nc",
        frames=folder / "frames.gz",
        upper_compression=10.0,
        protocol=PRESSING | {"frame_spacing": 1.0},
        **common("press"),
    )
    calender_film(
        pressed_state=grid[2],
        pressed_record=folder / "press.nc",
        record=folder / "calender.nc",
        data=folder / "calendered.data.gz",
        compression_rate=7.0,
        protocol=PRESSING,
        **common("calender"),
    )


def _count_segments(folder):
    return {log.stem: log.read_text().count("coatline: run") for log in folder.glob("*.log")}


def _same(one, other):
    values = [
        {k: v.tolist() if hasattr(v, "tolist") else v for k, v in found.items()}
        for found in (one, other)
    ]
    return values[0] == values[1]


@pytest.fixture(scope="module")
def whole(rich, tmp_path_factory):
    """A film made in segments, without disturbance."""
    rich.slurry()
    folder = tmp_path_factory.mktemp("segments") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT", 4e5)
        _make(rich, folder)
    return folder


@pytest.mark.slow
def test_an_interrupted_film_has_the_bytes_of_an_undisturbed_one(
    rich, whole, tmp_path, monkeypatch
):
    """A real film in segments, its drying and its pressing stopped on the way."""
    monkeypatch.setattr(segments, "SEGMENT", 4e5)
    total = _count_segments(whole)
    assert total["dry"] > 5 and total["press"] > 1 and total["calender"] > 1
    stopped = tmp_path / "stopped"
    for count in (3, total["dry"]):
        with monkeypatch.context() as patch:
            made = _interrupt_after(patch, count)
            with pytest.raises(Interrupted):
                _make(rich, stopped)
            assert len(made) == count
    _make(rich, stopped)
    # What a stage makes last is made again where its results were not yet put in place.
    assert _count_segments(stopped) == total | {"dry": total["dry"] + 1}
    names = ("dried.restart", "frames.gz", *(f"grid{k}.restart" for k in range(5)))
    for name in names:
        assert (stopped / name).read_bytes() == (whole / name).read_bytes(), name
    for name in ("dried.nc", "press.nc", "calender.nc"):
        for read in (read_results, read_series_of):
            assert _same(read(stopped / name), read(whole / name)), name
    frames = gzip.decompress((stopped / "frames.gz").read_bytes()).decode()
    steps = [int(part.split()[0]) for part in frames.split("ITEM: TIMESTEP")[1:]]
    assert len(steps) == len(set(steps)) == 11


@pytest.mark.slow
def test_a_film_in_segments_is_a_film_in_one_piece(rich, whole, tmp_path):
    """The same parts of drying in the same steps, and the same electrode within chance."""
    one = tmp_path / "one"
    _make(rich, one, keep=False)
    assert set(_count_segments(one).values()) == {1}
    parts = [
        re.findall(r"procs for ([1-9]\d*) steps", (folder / "dry.log").read_text())[:20]
        for folder in (one, whole)
    ]
    assert parts[0] == parts[1]
    # Dried films of one recipe scatter by 1.4 %.
    dried = [read_results(folder / "dried.nc")["thickness"] for folder in (one, whole)]
    assert dried[0] == pytest.approx(dried[1], rel=0.04)
    ends = [read_series_of(folder / "press.nc") for folder in (one, whole)]
    assert ends[0]["height"][-1] / dried[0] == pytest.approx(ends[1]["height"][-1] / dried[1])
    calendered = [read_results(folder / "calender.nc") for folder in (one, whole)]
    for name in ("thickness_lowest", "thickness"):
        share = [found[name] / film for found, film in zip(calendered, dried, strict=True)]
        assert share[0] == pytest.approx(share[1], rel=0.01), name


def _make_slurry(line, folder):
    folder.mkdir(exist_ok=True)
    make_slurry(
        state=folder / "slurry.restart",
        record=folder / "slurry.nc",
        data=folder / "slurry.data.gz",
        active_material=96.0,
        solid_content=69.0,
        solid_mass=SOLID_MASS,
        solid_loading=10.0,
        ingredients=line.material.ingredients(),
        force_field=line.material.force_field("default"),
        protocol=SLURRY,
        seed=1,
        decks=DECKS,
        engine=Engine(),
        log=folder / "slurry.log",
        keeping=Keeping(folder / ".chain-slurry"),
    )


@pytest.mark.slow
def test_a_slurry_in_segments_is_a_slurry_in_one_piece_and_bears_interruptions(
    rich, tmp_path, monkeypatch
):
    """Within chance that in one piece; to the byte that of an undisturbed chain."""
    rich.slurry()
    monkeypatch.setattr(segments, "SEGMENT", 1e5)
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    _make_slurry(rich, whole)
    assert (whole / "slurry.log").read_text().count("coatline: station settle") > 2
    one, many = (read_results(folder / "slurry.nc") for folder in (rich.folder, whole))
    assert many["density_slurry"] == pytest.approx(one["density_slurry"], rel=0.003)

    with monkeypatch.context() as patch:
        made = _interrupt_after(patch, 2)
        with pytest.raises(Interrupted):
            _make_slurry(rich, stopped)
        assert len(made) == 2 and not (stopped / "slurry.restart").exists()
    _make_slurry(rich, stopped)
    assert _count_segments(stopped) == _count_segments(whole)
    for name in ("slurry.restart", "slurry.data.gz"):
        assert (stopped / name).read_bytes() == (whole / name).read_bytes(), name
    for read in (read_results, read_series_of):
        assert _same(read(stopped / "slurry.nc"), read(whole / "slurry.nc"))


@pytest.mark.slow
def test_a_chain_whose_results_were_not_put_in_place_gives_them_again(rich, whole, tmp_path):
    """A job may end after its last segment: what it had copied is gone, the chain is not."""
    folder = tmp_path / "again"
    shutil.copytree(whole, folder)
    for file in (*folder.glob("grid*"), folder / "press.nc", folder / "frames.gz"):
        file.unlink()
    before = _count_segments(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "SEGMENT", 4e5)
        _make(rich, folder)
    assert _count_segments(folder)["press"] == before["press"] + 1
    for k in range(5):
        name = f"grid{k}.restart"
        assert (folder / name).read_bytes() == (whole / name).read_bytes()


@pytest.mark.slow
def test_a_failed_press_leaves_its_states_each_time(rich, tmp_path):
    """The states reached before a failure are results, also for a job that comes to it again."""
    rich.pressed()
    decks = break_press(tmp_path / "decks")
    for turn in (1, 2):
        grid = [tmp_path / f"grid{turn}.{k}.restart" for k in range(4)]
        press_film(
            dried_state=rich.folder / "dried.restart",
            dried_record=rich.folder / "dried.nc",
            grid=grid,
            record=tmp_path / "press.nc",
            frames=None,
            upper_compression=7.5,
            force_field=rich.material.force_field("default"),
            protocol=PRESSING | {"retries": 0},
            decks=decks,
            engine=Engine(),
            log=tmp_path / "log",
            keeping=Keeping(tmp_path / ".chain-press"),
        )
        assert [file.stat().st_size > 0 for file in grid] == [True, True, False, False]
    assert (tmp_path / "log").read_text().count("coatline: run") == 1
