"""Delivery: results appear whole or not at all, and damage is named."""

import errno
import gzip
import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from coatline.campaign import delivery
from coatline.campaign.delivery import (
    DamagedFile,
    Delivery,
    UnreadableFile,
    check_inputs,
    check_whole,
    digest,
)
from tests.slurm.table import note_fault


def make_record(path):
    with netCDF4.Dataset(path, "w") as file:
        file.createDimension("row", 2000)
        file.createVariable("x", "f8", ("row",), zlib=True)[:] = np.arange(2000.0) ** 0.3


def test_outputs_appear_together(tmp_path):
    places = [str(tmp_path / "a.txt"), str(tmp_path / "sub" / "b.nc")]
    delivery = Delivery(places, "job", "t1")
    delivery.prepare()
    for place in delivery.places.values():
        assert place.parent.is_dir()
    delivery.places[places[0]].write_text("a")
    with pytest.raises(DamagedFile, match=r"b\.nc was not made whole"):
        delivery.publish()
    assert not (tmp_path / "a.txt").exists()
    make_record(delivery.places[places[1]])
    assert delivery.publish() == []
    assert (tmp_path / "a.txt").read_text() == "a"
    assert not list(tmp_path.rglob(".attempt-*"))


def test_full_disk_keeps_results_back(tmp_path, monkeypatch):
    place = str(tmp_path / "a.txt")
    delivery = Delivery([place], "job", "t")
    delivery.prepare()
    delivery.places[place].write_text("perhaps cut off")
    monkeypatch.setattr("coatline.campaign.delivery.FULL", 1 << 62)
    with pytest.raises(OSError) as caught:
        delivery.publish()
    assert caught.value.errno == errno.ENOSPC and not Path(place).exists()
    monkeypatch.undo()
    assert delivery.publish() == [] and Path(place).exists()


def test_dead_attempts_of_the_same_job_are_swept_and_no_others(tmp_path):
    for name in (".attempt-job-old", ".attempt-jobs-old", ".attempt-other-old"):
        (tmp_path / name).mkdir()
    Delivery([str(tmp_path / "a")], "job", "new").prepare()
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {".attempt-job-new", ".attempt-jobs-old", ".attempt-other-old"}


def test_clock_that_is_behind_is_said_and_mended(tmp_path):
    source = tmp_path / "input"
    source.write_text("x")
    ahead = os.stat(source).st_mtime_ns + 3_600_000_000_000
    os.utime(source, ns=(ahead, ahead))
    delivery = Delivery([str(tmp_path / "output")], "job", "t")
    delivery.prepare()
    delivery.places[str(tmp_path / "output")].write_text("y")
    notes = delivery.publish([str(source)])
    assert len(notes) == 1 and "clock behind by 3.6e+03 s" in notes[0]
    assert os.stat(tmp_path / "output").st_mtime_ns >= ahead
    note_fault("the clock of a node behind", "said, the result takes its input's time", "")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_cut_off_netcdf_is_damaged(tmp_path, share):
    path = tmp_path / "x.nc"
    make_record(path)
    check_whole(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DamagedFile, match=r"x\.nc"):
        check_whole(path)


def test_damaged_gzip_and_json(tmp_path):
    path = tmp_path / "x.gz"
    path.write_bytes(gzip.compress(b"particles" * 1000)[:-3])
    with pytest.raises(DamagedFile):
        check_whole(path)
    path.write_bytes(b"")
    check_whole(path)  # an empty state is that of a failed simulation
    table = tmp_path / "x.json"
    table.write_text('{"a": 1')
    with pytest.raises(DamagedFile):
        check_whole(table)


def test_input_that_is_not_what_was_made(tmp_path):
    path = tmp_path / "x.restart"
    path.write_bytes(b"state")
    said = {str(tmp_path): {"x.restart": digest(path)}}
    check_inputs([str(path)], said)
    path.write_bytes(b"statE")
    with pytest.raises(DamagedFile, match="not the bytes that were made"):
        check_inputs([str(path)], said)


@pytest.mark.parametrize("name", ["x.nc", "x.data.gz", "x.restart"])
@pytest.mark.parametrize("cut", [False, True])
def test_input_that_the_disk_does_not_give_is_not_called_damaged(tmp_path, monkeypatch, name, cut):
    """Not even where a library has called it so first."""
    path = tmp_path / name
    if name == "x.nc":
        make_record(path)
    else:
        path.write_bytes(gzip.compress(b"particles"))
    said = {str(tmp_path): {name: digest(path)}}
    if cut:
        path.write_bytes(path.read_bytes()[:-3])
        with pytest.raises(DamagedFile):
            check_inputs([str(path)], said)

    def fail(file, mode="r", **_):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))

    monkeypatch.setattr(delivery, "digest", fail)
    with pytest.raises(UnreadableFile, match=r"cannot be read \(Input/output error\)"):
        check_inputs([str(path)], said)
    assert path.exists()
