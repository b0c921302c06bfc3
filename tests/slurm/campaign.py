"""A small campaign on the private SLURM, through the shipped profile, with the stub for LAMMPS."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import netCDF4

from tests.slurm.cluster import Cluster
from tests.slurm.table import note_samples
from tests.workflow.clones import PATIENCE, Clone, make_clone

DATASET = "results/small/dataset.nc"
OPTIONS = ("--profile", "slurm", "--configfile", "small.yaml")
QUICK = ("--slurm-init-seconds-before-status-checks", "2", "--latency-wait", "10")
"""What a test has to change: a first look after seconds, not half a minute."""


@dataclass
class Submitted:
    """A SLURM job.

    Attributes:
        name: rule and wildcards.
        job: its number.
        end: what SLURM has recorded at its end; empty while it is not over.
    """

    name: str
    job: str
    end: dict[str, str]

    @property
    def minutes(self) -> int:
        """Its walltime."""
        return int(self.end.get("TimeLimit", 0))

    @property
    def memory(self) -> int:
        """Its memory, MB."""
        found = re.search(r"mem=([\d.]+)([MG])", self.end.get("Tres", ""))
        return round(float(found[1]) * {"M": 1, "G": 1024}[found[2]]) if found else 0

    @property
    def state(self) -> str:
        """How it ended."""
        return self.end.get("JobState", "")


@dataclass
class Campaign:
    """A clone with a small campaign, and the SLURM that it runs on."""

    clone: Clone
    cluster: Cluster

    def start(
        self,
        *options: str,
        program: str = "snakemake",
        words: tuple[str, ...] = (*OPTIONS, *QUICK),
        **environment: str,
    ) -> subprocess.Popen:
        """Start Snakemake as users type it, or another program; its output goes to `head.log`."""
        with open(self.clone.folder / "head.log", "a") as log:
            head = subprocess.Popen(
                [Path(sys.executable).with_name(program), *words, *options],
                cwd=self.clone.folder,
                env=self.environment | environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.cluster.heads.append(head)
        return head

    def coatline(self, *words: str, seconds: float = 400) -> subprocess.CompletedProcess:
        return subprocess.run(
            [Path(sys.executable).with_name("coatline"), *words],
            cwd=self.clone.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds * PATIENCE,
        )

    @property
    def environment(self) -> dict[str, str]:
        marks = {"STUB_MARKS": str(self.clone.folder)}
        python = str(Path(sys.executable).parent)
        path = f"{self.cluster.folder}/bin:{python}:{self.cluster.environment['PATH']}"
        return self.cluster.environment | marks | {"PATH": path}

    @property
    def log(self) -> str:
        return (self.clone.folder / "head.log").read_text()

    def find_job(self, text: str, states: tuple[str, ...] = ("RUNNING",)) -> str | None:
        """Number of the SLURM job whose comment ends in a text."""
        jobs = self.cluster.list_jobs()
        return next((i for i, s, comment in jobs if comment.endswith(text) and s in states), None)

    def wait_for_job(
        self, text: str, seconds: float = 240, states: tuple[str, ...] = ("RUNNING",)
    ) -> str:
        end = time.monotonic() + seconds * PATIENCE
        while (job := self.find_job(text, states)) is None:
            if time.monotonic() > end:
                raise RuntimeError(f"no job {text}: {self.cluster.list_jobs()}\n{self.log[-4000:]}")
            time.sleep(0.5)
        return job

    def wait_for(self, path: str, seconds: float = 240) -> None:
        end = time.monotonic() + seconds * PATIENCE
        while not (self.clone.folder / path).exists():
            if time.monotonic() > end:
                raise RuntimeError(f"no {path}\n{self.log[-4000:]}")
            time.sleep(0.3)

    def wait_for_text(self, text: str, seconds: float = 240) -> None:
        end = time.monotonic() + seconds * PATIENCE
        while text not in self.log:
            if time.monotonic() > end:
                raise RuntimeError(f"not said: {text}\n{self.log[-4000:]}")
            time.sleep(0.3)

    def list_submitted(self) -> list[Submitted]:
        """All jobs so far, as Snakemake submitted them and as SLURM has recorded their ends."""
        text = (self.cluster.folder / "completed.txt").read_text()
        ends = {}
        for line in text.splitlines():
            fields = dict(re.findall(r"(\w+)=(\S+)", line))
            ends[fields["JobId"]] = fields
        logs = self.clone.folder / ".snakemake/slurm_logs"
        found = re.findall(
            r"Job \S+ has been submitted with SLURM jobid (\d+) \(log: (\S+?)/\d+\.log\)", self.log
        )
        return [
            Submitted(Path(log).relative_to(logs).as_posix(), job, ends.get(job, {}))
            for job, log in found
        ]

    def count_planned(self) -> int:
        """SLURM jobs that are left, as `coatline plan` says."""
        said = self.coatline("plan", "--configfile", "small.yaml", "--json")
        return json.loads(said.stdout)["slurm_jobs"]


def make_campaign(folder: Path, cluster: Cluster, slurries: int = 1, **blocks: dict) -> Campaign:
    clone = make_clone(folder, measures=True)
    design = {"kind": "shared-slurries", "slurries": slurries, "compressions": 1}
    clone.configure(design=design, **blocks)
    return Campaign(clone, cluster)


def read_variables(path: Path) -> dict[str, object]:
    """All variables of a dataset as comparable values."""
    with netCDF4.Dataset(path) as file:
        return {name: repr(v[...].tolist()) for name, v in file.variables.items()}


def read_samples(path: Path) -> dict[str, dict[str, str]]:
    """All variables of each sample of a dataset; those of no sample under an empty name."""
    with netCDF4.Dataset(path) as file:
        file.set_auto_mask(False)
        names = file["sample"][...].tolist()
        found: dict[str, dict[str, str]] = {name: {} for name in ["", *names]}
        for key, variable in file.variables.items():
            if variable.dimensions[:1] != ("sample",):
                found[""][key] = repr(variable[...].tolist())
                continue
            for name, value in zip(names, variable[...], strict=True):
                found[name][key] = repr(value.tolist() if hasattr(value, "tolist") else value)
    return found


def check_samples(made: Path, wanted: Path, count: int) -> None:
    """Hold a dataset of so many samples against an undisturbed one, all variables bit for bit."""
    own, other = read_samples(made), read_samples(wanted)
    names = list(other)[: count + 1]  # the first one is what belongs to no sample
    assert set(own) <= set(names), "samples that nobody asked for"
    lost = [name for name in names if name and name not in own]
    differing = [
        f"{name}: {key}"
        for name in names
        if name in own
        for key in other[name]
        if own[name].get(key) != other[name][key]
    ]
    assert (lost, differing) == ([], [])
    note_samples(count, len(lost))


def kill(process: subprocess.Popen) -> None:
    """End a process as the kernel does when memory runs out: it cannot act on it."""
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
