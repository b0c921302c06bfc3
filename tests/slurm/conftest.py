"""A SLURM for all tests of this folder; without its programs they are skipped, unless CI asks."""

import os
from collections.abc import Iterator

import pytest

from tests.slurm.cluster import Cluster, check_listeners, find_missing, run_cluster


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    missing = find_missing()
    if missing and os.environ.get("COATLINE_REQUIRE_SLURM") == "1":
        pytest.fail(f"SLURM is required, but there is no {', '.join(missing)}; make slurm-packages")
    if missing:
        pytest.skip(f"SLURM is not installed: no {', '.join(missing)}; make slurm-packages")
    with run_cluster() as running:
        said = " ".join(command for command, _ in check_listeners(running))
        assert "slurmctld" in said and "slurmd" in said, f"not seen to listen: {said}"
        yield running


@pytest.fixture(autouse=True)
def no_head_outlives_its_test(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.end_heads()
