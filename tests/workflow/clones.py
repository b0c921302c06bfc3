"""A clone of the workflow to run and to change, and Snakemake in it."""

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from coatline.optimise.ledger import Proposal, append_proposals

ROOT = Path(__file__).resolve().parents[2]
PARTS = (
    *("Snakefile", "workflow", "config", "profiles", "slurm", "envs", "src"),
    "CITATION.cff",
)
PATIENCE = float(os.environ.get("COATLINE_PATIENCE", "1"))
"""Factor on all waiting times of workflow tests, for slow machines."""
SNAKEMAKE = (sys.executable, "-m", "snakemake")


@dataclass
class Clone:
    """A copy of what the workflow is made of, with a small campaign in `small.yaml`."""

    folder: Path

    def snakemake(self, *options: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [*SNAKEMAKE, *options],
            cwd=self.folder,
            env=os.environ | {"COLUMNS": "100"} | environment,
            capture_output=True,
            text=True,
            timeout=500 * PATIENCE,
        )

    def coatline(self, *words: str) -> subprocess.CompletedProcess:
        """Run `coatline` in the clone, with the clone's own code."""
        return subprocess.run(
            [sys.executable, "-m", "coatline.cli", *words],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder / "src")},
            capture_output=True,
            text=True,
            timeout=500 * PATIENCE,
        )

    def plan(self, *options: str, config: str = "small.yaml") -> dict[str, int]:
        """Jobs per rule that would run; empty where nothing would."""
        result = self.snakemake("-n", "--quiet", "rules", "--configfile", config, *options)
        assert result.returncode == 0, result.stderr
        text = result.stdout + result.stderr
        rows = re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)
        assert rows or "Nothing to be done" in text, text
        return {name: int(count) for name, count in rows if name not in ("total", "all")}

    def touch(self, config: str = "small.yaml", proposals: Sequence[Proposal] = ()) -> None:
        """Let a campaign look finished: all files are there, known to Snakemake, most empty."""
        options = ("--cores", "1", "--configfile", config)
        assert self.snakemake(*options, "--", "design").returncode == 0
        listed = self.snakemake("--summary", "--configfile", config)
        files = [line.split("\t")[0] for line in listed.stdout.splitlines()[1:]]
        assert len(files) > 60, listed.stdout + listed.stderr
        for file in files:
            path = self.folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        if proposals:
            append_proposals(self.folder / "results/small/optimise/ledger.csv", proposals)
        done = self.snakemake("--touch", "--forceall", *options)
        assert done.returncode == 0, done.stderr

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} holds no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def append(self, file: str, text: str) -> None:
        with open(self.folder / file, "a", encoding="utf-8") as opened:
            opened.write(text)

    def configure(self, name: str = "small.yaml", **blocks: dict) -> None:
        """Write a configuration: the small campaign, with blocks changed."""
        config = {
            "campaign": {"name": "small", "seed": 1, "minimum_success": 0.9},
            "design": {"kind": "shared-slurries", "slurries": 2, "compressions": 2},
            "electrode": {"solid_mass": 0.026, "solid_loading": 10},
            "measure": {"voxel_size": 0.8, "supersampling": 2},
            "engine": {"command": str(self.folder / "lmp")},
        }
        for block, values in blocks.items():
            config[block] = config.get(block, {}) | values
        (self.folder / name).write_text(yaml.safe_dump(config), encoding="utf-8")


COMPILE = """
from coatline.measure.electrode import measure_electrode
from tests.measure.films import pack
film = pack(1, 10.0, 10.0, am=(4.0,), am_fraction=0.35, bead=2.0, cbd_fraction=0.2)
bulk = {"am": 1.0, "cbd": 100.0}
measure_electrode(
    film, 10.0, solid_mass=1000.0, cbd_solid_volume=100.0, conductivity=bulk, voxel_size=0.8,
    supersampling=2,
)
"""


def compile_kernels() -> None:
    """Have what numba compiles lie in the tree, where clones inherit it; once, by one process."""
    with open(__file__) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cached = ROOT.glob("src/coatline/measure/__pycache__/transport.*.nbc")
        source = ROOT / "src/coatline/measure/transport.py"
        if any(path.stat().st_mtime > source.stat().st_mtime for path in cached):
            return
        path = os.pathsep.join([str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH", "")])
        command = (sys.executable, "-c", COMPILE)
        subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False)


def make_clone(folder: Path, measures: bool = False) -> Clone:
    """Make a clone; where it is to measure, with what numba compiles."""
    if measures:
        compile_kernels()
    folder.mkdir(parents=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_symlink():
            (folder / part).symlink_to(os.readlink(source))
        elif source.is_dir():
            shutil.copytree(source, folder / part, symlinks=True)
        else:
            shutil.copy2(source, folder / part)
    stub = folder / "lmp"
    code = Path(__file__).with_name("stub_lmp.py").read_text(encoding="utf-8")
    stub.write_text(f"#!{sys.executable} -S\n{code}", encoding="utf-8")
    stub.chmod(0o755)
    clone = Clone(folder)
    clone.configure()
    return clone
