"""Faults on a real SLURM: the dataset is complete in the end, and finished work is not repeated."""

import json
from pathlib import Path

import pytest

from tests.slurm.campaign import DATASET, Campaign, check_samples, kill, make_campaign
from tests.slurm.cluster import check_listeners
from tests.slurm.table import count_jobs, note_fault
from tests.workflow.clones import PATIENCE

pytestmark = [pytest.mark.slow, pytest.mark.workflow]
ATTEMPT = "{0}/.chain-{1}/"
LENIENT = {"minimum_success": 0.5}
BLOW_UP = {"STUB_BLOW_UP": ATTEMPT.format("y02", "press")}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, cluster) -> Path:
    """The same campaign, made in peace and without SLURM; its third electrode blows up there too.

    Smaller ones are the beginning of it.
    """
    campaign = make_campaign(
        tmp_path_factory.mktemp("undisturbed") / "clone", cluster, 3, campaign=LENIENT
    )
    options = ("--cores", "2", "--configfile", "small.yaml", "--", DATASET)
    result = campaign.clone.snakemake(*options, **BLOW_UP)
    assert result.returncode == 0, result.stdout + result.stderr
    return campaign.clone.folder / DATASET


def list_repeated(campaign: Campaign) -> list[str]:
    """Jobs that were submitted once more, one for each time."""
    names = [one.name.removeprefix("rule_") for one in campaign.list_submitted()]
    return [name for index, name in enumerate(names) if name in names[:index]]


def test_storm_of_faults_in_one_campaign(tmp_path, cluster, undisturbed):
    """Over memory, over walltime, before the walltime, cancelled, an exit code and a blow-up."""
    campaign = make_campaign(tmp_path / "clone", cluster, 3, campaign=LENIENT)
    faults = [
        f"need:1200@{ATTEMPT.format('y00', 'slurry')}",
        f"exit:3@{ATTEMPT.format('y00', 'dry')}",
        f"sleep:900@{ATTEMPT.format('y01', 'slurry')}",
        f"sleep:900@{ATTEMPT.format('y01', 'dry')}",
    ]
    # In a minute a second segment of 29 s finds no time.
    stations = [f"2@{ATTEMPT.format('y01', 'dry')}", f"1*29@{ATTEMPT.format('y02', 'slurry')}"]
    head = campaign.start(
        *("--set-resources", "slurry:runtime=1", "--", DATASET),
        STUB_FAULTS=";".join(faults),
        STUB_STATIONS=";".join(stations),
        **BLOW_UP,
    )
    cancelled = campaign.wait_for_job("rule_slurry_wildcards_y01")
    campaign.wait_for("fault2")
    check_listeners(cluster)
    cluster.ask("scancel", cancelled)
    late = campaign.wait_for_job("rule_dry_wildcards_y01")
    campaign.wait_for("fault3")
    cluster.ask("scontrol", "update", f"JobId={late}", "TimeLimit=1")
    assert head.wait(timeout=500 * PATIENCE) == 0, campaign.log[-6000:]

    check_samples(campaign.clone.folder / DATASET, undisturbed, 3)
    repeated = list_repeated(campaign)
    expected = {
        "slurry/y00": "over its memory",
        "dry/y00": "exit code",
        "slurry/y01": "scancel",
        "dry/y01": "over its walltime, after two segments",
        "slurry/y02": "no time for its second segment within the walltime",
    }
    assert sorted(repeated) == sorted(expected)
    tries = {}
    for one in campaign.list_submitted():
        tries.setdefault(one.name.removeprefix("rule_"), []).append(one)
    minutes = {name: [one.minutes for one in tries[name]] for name in expected}
    memory = {name: [one.memory for one in tries[name]] for name in expected}
    assert memory.pop("slurry/y00") == [1000, 2000], "twice the memory after too little of it"
    assert all(asked == [1000, 1000] for asked in memory.values()), "no more for other faults"
    assert minutes["dry/y01"][1] == 20, "twice the time after the walltime"
    assert minutes["dry/y00"] == [10, 10], "no more time after another fault"
    assert minutes["slurry/y02"] == [1, 1], "as was asked for by hand"
    assert tries["dry/y01"][0].state == "TIMEOUT" and tries["slurry/y02"][0].state == "FAILED"
    logs = campaign.clone.folder / "results/small/logs/manufacture"
    assert "dry goes on after 2 segments" in (logs / "y01.dry.log").read_text()
    assert "slurry goes on after 1 segments" in (logs / "y02.slurry.log").read_text()
    assert "slurry: 1 segments are made; another of up to" in campaign.log
    made_by = json.loads((campaign.clone.folder / "results/small/provenance.json").read_text())
    assert made_by["slurries"]["y00"]["slurry"]["attempt"] == 2
    for name, fault in expected.items():
        part = ", from the segment that it had come to" if "segment" in fault else ""
        again = count_jobs([one for one in repeated if one == name])
        note_fault(fault, "complete", f"{again}{part}")
    blown = [name for name in repeated if name == "press/y02"]
    outcome = "complete, the sample failed with its cause"
    note_fault("LAMMPS blows up", outcome, count_jobs(blown))
    assert list((campaign.clone.folder / "results/small/jobs").glob("*")) == []


def test_snakemake_killed(tmp_path, cluster, undisturbed):
    """SIGKILL while a job runs and another waits; `coatline resume` loses and repeats nothing."""
    campaign = make_campaign(tmp_path / "clone", cluster, 2)
    faults = f"hold:go@{ATTEMPT.format('y00', 'dry')}"
    head = campaign.start("--", DATASET, STUB_FAULTS=faults)
    campaign.wait_for("fault0")
    orphan = campaign.wait_for_job("rule_dry_wildcards_y00")
    kill(head)

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
    check_samples(campaign.clone.folder / DATASET, undisturbed, 2)
    submitted = [one.name for one in campaign.list_submitted()]
    assert submitted.count("rule_dry/y00") == 1
    # What SLURM had not begun is submitted anew.
    begun = [one.name for one in campaign.list_submitted() if one.state != "CANCELLED"]
    repeated = [name for index, name in enumerate(begun) if name in begun[:index]]
    assert len(list_repeated(campaign)) <= 1 and repeated == []
    note_fault("SIGKILL of Snakemake", "complete by coatline resume", count_jobs(repeated))
    assert not list(campaign.clone.folder.glob("results/small/**/.attempt-*"))


def test_slurmctld_restarted_and_a_node_lost_under_a_living_head(tmp_path, cluster, undisturbed):
    """SLURM jobs are those of `coatline plan`, and one more: the one that went with its node."""
    campaign = make_campaign(tmp_path / "clone", cluster)
    planned = campaign.count_planned()
    holds = [
        f"hold:up@{ATTEMPT.format('y00', 'slurry')}",
        f"hold:back@{ATTEMPT.format('y00', 'dry')}",
    ]
    head = campaign.start("--", DATASET, STUB_FAULTS=";".join(holds))
    campaign.wait_for("fault0")
    cluster.stop("slurmctld")
    # So the executor says that nobody answers it.
    campaign.wait_for_text("Falling back to 'sacct'")
    cluster.start("slurmctld")
    cluster.wait_until_ready()
    (campaign.clone.folder / "up").touch()

    campaign.wait_for("fault1")
    assert list_repeated(campaign) == []
    lost = campaign.wait_for_job("rule_dry_wildcards_y00")
    cluster.lose_node(lost)
    assert [job for job, _, _ in cluster.list_jobs("NODE_FAIL")] == [lost]
    cluster.start("slurmd")
    cluster.wait_until_ready()
    assert head.wait(timeout=300 * PATIENCE) == 0, campaign.log[-6000:]
    check_samples(campaign.clone.folder / DATASET, undisturbed, 1)
    repeated = list_repeated(campaign)
    assert repeated == ["dry/y00"]
    made = planned - campaign.count_planned()
    assert len(campaign.list_submitted()) == made + len(repeated)
    restart = [name for name in repeated if name != "dry/y00"]
    note_fault("slurmctld restarted under a living Snakemake", "complete", count_jobs(restart))
    note_fault("a node lost with its job", "complete", count_jobs(repeated))
