"""Clones of the workflow for tests."""

import shutil
from pathlib import Path

import pytest

from tests.workflow.clones import Clone, make_clone


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return make_clone(tmp_path / "clone")


@pytest.fixture(scope="module")
def touched(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A campaign that looks finished: all files are there, empty, and known to Snakemake."""
    clone = make_clone(tmp_path_factory.mktemp("touched") / "clone")
    made = clone.snakemake("--cores", "1", "--configfile", "small.yaml", "--", "design")
    assert made.returncode == 0, made.stderr
    listed = clone.snakemake("--summary", "--configfile", "small.yaml")
    files = [line.split("\t")[0] for line in listed.stdout.splitlines()[1:]]
    assert len(files) > 60, listed.stdout + listed.stderr
    for file in files:
        path = clone.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    done = clone.snakemake("--touch", "--forceall", "--cores", "1", "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr
    assert clone.plan() == {}
    return clone


@pytest.fixture
def finished(touched: Clone, tmp_path: Path) -> Clone:
    """A campaign that looks finished, to be changed by one test."""
    folder = tmp_path / "clone"
    shutil.copytree(touched.folder, folder, symlinks=True)
    clone = Clone(folder)
    clone.configure(engine={"command": str(touched.folder / "lmp")})
    return clone
