"""Rounds that were proposed are history: what changes remakes of them just what depends on it."""

import shutil

import pytest

from coatline.optimise.ledger import Proposal, append_proposals
from tests.workflow.clones import Clone, make_clone
from tests.workflow.test_learning import BLOCKS, LAMMPS

FOLDER = "results/small/optimise"
SCORED = {"optimum": 1, "uncertainty": 1, "front": 1, "made": 1, "rounds": 1}
SLURRIES, SAMPLES = 3, 9


def touch(clone):
    """Let all that is planned look made, by the settings of now."""
    done = clone.snakemake("--touch", "--forceall", "--cores", "1", "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A campaign with one round that looks finished: all files are there, and empty."""
    clone = make_clone(tmp_path_factory.mktemp("rounds") / "clone")
    clone.configure(**BLOCKS)
    listed = clone.snakemake("--summary", "--configfile", "small.yaml")
    files = [line.split("\t")[0] for line in listed.stdout.splitlines()[1:]]
    recipe = f"{FOLDER}/round1/recipe01.json"
    assert recipe in files, listed.stdout + listed.stderr
    for file in files:
        path = clone.folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if file not in (recipe, "results/small/design/design.csv"):
            path.touch()
    table = clone.snakemake("--cores", "1", "--configfile", "small.yaml", "--", "design")
    assert table.returncode == 0, table.stderr
    # First the ledger, then the recipe, as the job does.
    proposal = Proposal(1, 1, (94.0, 60.0, 20.0), 0.1, 0.01, 16 * "0", 16 * "f")
    append_proposals(clone.folder / FOLDER / "ledger.csv", [proposal])
    (clone.folder / recipe).touch()
    touch(clone)
    assert clone.plan() == {}
    return clone


@pytest.fixture
def finished(made, tmp_path):
    folder = tmp_path / "clone"
    shutil.copytree(made.folder, folder, symlinks=True)
    return Clone(folder)


def configure(clone, made, **changed):
    engine = {"command": str(made.folder / "lmp")}
    clone.configure(**({"engine": engine} | BLOCKS | changed))


def asked(**changed):
    return BLOCKS["optimise"] | changed


@pytest.mark.parametrize(
    "changed",
    [{"weights": {"density": 3}}, {"goals": {"density": "minimise", "porosity": "minimise"}}],
)
def test_other_aims(finished, made, changed):
    """The optimum is sought again and made again, nothing of the round is."""
    configure(finished, made, optimise=asked(**changed))
    plan = finished.plan()
    assert SCORED.items() <= plan.items()
    assert not {"fit", "validate", "propose", "gather_round", "dataset"} & set(plan)
    assert [plan[name] for name in (*LAMMPS, "measure")] == [1] * 5
    touch(finished)
    assert finished.plan() == {}


def test_another_voxel_size(finished, made):
    """All electrodes are measured again, those of the round too."""
    configure(finished, made, measure={"voxel_size": 0.7})
    plan = finished.plan()
    assert (SCORED | {"fit": 1, "gather_round": 1, "dataset": 1}).items() <= plan.items()
    assert plan["measure"] == SAMPLES + 1 + 1 and "propose" not in plan
    assert [plan[name] for name in LAMMPS] == [1] * 4  # of the optimum, which is sought again
    touch(finished)
    assert finished.plan() == {}


def test_another_film_mass(finished, made):
    """All electrodes are made again, those of the round from the recipes that they had."""
    configure(finished, made, electrode={"solid_mass": 0.027})
    plan = finished.plan()
    assert [plan[name] for name in LAMMPS] == [SLURRIES + 2] * 3 + [SAMPLES + 2]
    assert plan["measure"] == SAMPLES + 2 and "propose" not in plan
    assert (SCORED | {"fit": 1, "gather_round": 1}).items() <= plan.items()
    touch(finished)
    assert finished.plan() == {}


def test_another_batch_is_for_later_rounds(finished, made):
    configure(finished, made, optimise=asked(batch=3))
    assert finished.plan() == {}
    configure(finished, made, optimise=asked(batch=3, rounds=2))
    plan = finished.plan()
    assert plan["propose"] == plan["gather_round"] == 1 and plan["slurry"] == 3 + 1


def test_a_lost_ledger(finished, made):
    """Recipes that electrodes were made of are not overwritten: the plan stops."""
    configure(finished, made)
    (finished.folder / FOLDER / "ledger.csv").unlink()
    result = finished.snakemake("-n", "--configfile", "small.yaml")
    assert result.returncode == 2 and "Traceback" not in result.stderr
    assert (
        f"coatline: error: {FOLDER}/ledger.csv: has no proposal 1 of round 1, but its recipe is "
        f"there, {FOLDER}/round1/recipe01.json; restore the ledger, or remove {FOLDER}/round1 to "
        "have the round proposed anew and its electrodes made again"
    ) in result.stderr
    # With the recipes gone as well, the round is proposed anew.
    shutil.rmtree(finished.folder / FOLDER / "round1")
    assert finished.plan()["propose"] == 1
