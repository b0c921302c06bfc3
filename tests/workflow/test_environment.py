"""The lock file, the conda file and the package agree."""

import re
import tomllib
from pathlib import Path

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
    assert "make test" in (ROOT / ".ci/run").read_text()
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
