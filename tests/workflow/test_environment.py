"""The lock file, the conda file and the package agree; what is committed is all that is needed."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", re.sub(r"\[.*\]", "", name)).lower()


def read_lock() -> dict[str, str]:
    lines = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {plain(name): version for name, version in pairs}


def test_lock_holds_exact_versions_alone():
    lines = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8").splitlines()
    for line in lines:
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+(\[\w+\])?==[\w.]+", line), line
    assert "coatline" not in read_lock()


def test_conda_file_has_the_versions_of_the_lock():
    conda = yaml.safe_load((ROOT / "envs/coatline.yaml").read_text(encoding="utf-8"))
    pinned = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    lock = read_lock()
    for requirement in pinned:
        name, version = requirement.split("==")
        assert lock[plain(name)] == version, name


def test_conda_file_and_lock_hold_all_that_the_package_needs():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {plain(re.split(r"[<>=! ;]", one)[0]) for one in project["dependencies"]}
    conda = yaml.safe_load((ROOT / "envs/coatline.yaml").read_text(encoding="utf-8"))
    pinned = next(entry["pip"] for entry in conda["dependencies"] if isinstance(entry, dict))
    assert names == {plain(one.split("==")[0]) for one in pinned}
    extra = {plain(one) for one in project["optional-dependencies"]["dev"]}
    assert names | extra <= set(read_lock())


def test_interface_tools_run_the_same_tests():
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make test" in text
    assert re.search("^export COATLINE_REQUIRE_SLURM=1$", text, re.MULTILINE), "may skip SLURM"
    assert (ROOT / ".ci/run").stat().st_mode & 0o111


@pytest.mark.workflow
@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="only a repository has a HEAD")
def test_profile_of_a_fresh_clone_exactly_as_typed(tmp_path):
    """What HEAD holds alone: files of the working tree that nobody has added are not there."""
    archive, clone = tmp_path / "head.tar", tmp_path / "clone"
    subprocess.run(["git", "archive", "-o", archive, "HEAD"], cwd=ROOT, check=True)
    with tarfile.open(archive) as file:
        file.extractall(clone, filter="data")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["snakemake", "-n", "--profile", "slurm"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "Using profiles slurm and workflow specific profile profiles/default" in said
    assert re.search("^measure +[1-9]", said, re.MULTILINE), said
