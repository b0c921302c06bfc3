"""Faults on a real SLURM: the dataset is complete in the end, and finished work is not repeated."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.slurm.campaign import (
    DATASET,
    Campaign,
    kill,
    make_campaign,
    read_variables,
)
from tests.slurm.table import note_fault
from tests.workflow.clones import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.workflow]
ATTEMPT = "{0}/.chain-{1}/"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cluster) -> Path:
    """The same campaign, made in peace and without SLURM."""
    campaign = make_campaign(
        tmp_path_factory.mktemp("undisturbed") / "clone", cluster, 2, campaign=LENIENT
    )
    result = campaign.clone.snakemake("--cores", "2", "--configfile", "small.yaml", "--", DATASET)
    assert result.returncode == 0, result.stdout + result.stderr
    return campaign.clone.folder / DATASET


LENIENT = {"minimum_success": 0.5}


def count_repeated(campaign: Campaign) -> Counter:
    """Jobs that were submitted more than once, and how often more."""
    counts = Counter(name for name, _, _ in campaign.list_submitted())
    return Counter({name: count - 1 for name, count in counts.items() if count > 1})


def test_storm_of_faults_in_one_campaign(tmp_path, cluster, undisturbed):
    """Over memory, over walltime, cancelled, an exit code and a blow-up, each in its own slurry."""
    campaign = make_campaign(tmp_path / "clone", cluster, 3, campaign=LENIENT)
    faults = [
        f"hog:1500@{ATTEMPT.format('y00', 'slurry')}",
        f"exit:3@{ATTEMPT.format('y00', 'dry')}",
        f"sleep:900@{ATTEMPT.format('y01', 'slurry')}",
        f"sleep:900@{ATTEMPT.format('y01', 'dry')}",
    ]
    head = campaign.start(
        *("--", DATASET),
        STUB_FAULTS=";".join(faults),
        STUB_BLOW_UP="manufacture/y02/",
        STUB_STATIONS=f"2@{ATTEMPT.format('y01', 'dry')}",
    )
    cancelled = campaign.wait_for_job("rule_slurry_wildcards_y01")
    campaign.wait_for("fault2")
    cluster.ask("scancel", cancelled)
    late = campaign.wait_for_job("rule_dry_wildcards_y01")
    campaign.wait_for("fault3")
    cluster.ask("scontrol", "update", f"JobId={late}", "TimeLimit=1")
    assert head.wait(timeout=500 * PATIENCE) == 0, campaign.log[-6000:]

    made, wanted = (read_variables(path) for path in (campaign.clone.folder / DATASET, undisturbed))
    status = json.loads(made["status"].replace("'", '"'))
    assert status == ["ok", "ok", "failed"]
    for name in ("porosity", "thickness", "tortuosity_factor"):
        assert made[name].strip("[]").split(",")[:2] == wanted[name].strip("[]").split(","), name

    repeated = count_repeated(campaign)
    expected = {
        "rule_slurry/y00": ("over its memory", 1),
        "rule_dry/y00": ("exit code", 1),
        "rule_slurry/y01": ("scancel", 1),
        "rule_dry/y01": ("over its walltime, after two segments", 1),
    }
    assert repeated == {name: count for name, (_, count) in expected.items()}
    asked = {}
    for name, _, minutes in campaign.list_submitted():
        asked.setdefault(name, []).append(minutes)
    assert asked["rule_dry/y01"][1] == 20, "twice the time after the walltime"
    log = campaign.clone.folder / "results/small/logs/manufacture/y01.dry.log"
    assert "dry goes on after 2 segments" in log.read_text()
    assert asked["rule_slurry/y00"] == [10, 10], "no more time after too little memory"
    made_by = json.loads((campaign.clone.folder / "results/small/provenance.json").read_text())
    assert made_by["slurries"]["y00"]["slurry"]["attempt"] == 2
    for name, (fault, count) in expected.items():
        part = ", its third segment alone" if "segments" in fault else ""
        note_fault(fault, "complete", f"{count} job: {name.removeprefix('rule_')}{part}")
    note_fault("LAMMPS blows up", "complete, the sample failed with its cause", "none")
    assert list((campaign.clone.folder / "results/small/jobs").glob("*")) == []


def test_snakemake_killed_and_slurmctld_restarted(tmp_path, cluster, undisturbed):
    """SIGKILL while a job runs and another waits; `coatline resume` loses and repeats nothing."""
    campaign = make_campaign(tmp_path / "clone", cluster, 2)
    faults = f"hold:go@{ATTEMPT.format('y00', 'dry')}"
    head = campaign.start("--", DATASET, STUB_FAULTS=faults)
    campaign.wait_for("fault0")
    orphan = campaign.wait_for_job("rule_dry_wildcards_y00")
    kill(head)
    cluster.stop("slurmctld")
    cluster.start("slurmctld")
    cluster.wait_until_ready()

    locked = campaign.start("--", DATASET)
    assert locked.wait(timeout=120 * PATIENCE) != 0
    assert "to recover: coatline resume small" in campaign.log
    status = campaign.coatline("status", "--configfile", "small.yaml", "--json")
    shown = json.loads(status.stdout)
    assert f"SLURM job {orphan}" in shown["running"]["manufacture.y00.dry"]
    assert "was killed" in shown["head"]

    resumed = campaign.start(program="coatline", words=("resume",))
    campaign.wait_for_text("waiting for manufacture.y00.dry")
    (campaign.clone.folder / "go").touch()
    assert resumed.wait(timeout=500 * PATIENCE) == 0, campaign.log[-6000:]
    submitted = [name for name, _, _ in campaign.list_submitted()]
    assert submitted.count("rule_dry/y00") == 1
    repeated = count_repeated(campaign)
    made, wanted = (read_variables(path) for path in (campaign.clone.folder / DATASET, undisturbed))
    assert (
        made["porosity"].strip("[]").split(",")[0] == wanted["porosity"].strip("[]").split(",")[0]
    )
    assert sum(repeated.values()) <= 1  # what SLURM had not begun is submitted anew
    note_fault("SIGKILL of Snakemake", "complete by coatline resume", f"{len(repeated)} jobs")
    note_fault("slurmctld restarted", "complete", "none")
    assert not list(campaign.clone.folder.glob("results/small/**/.attempt-*"))
