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
    clone.touch()
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
