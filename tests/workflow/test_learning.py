"""From the dataset to the optimum made, through Snakemake, with a stand-in for LAMMPS."""

import csv
import json
import shutil

import netCDF4
import numpy as np
import pytest

from tests.workflow.clones import Clone, make_clone

CONFIG = ("--cores", "1", "--configfile", "small.yaml")
LATE = [{"active_material": 94, "solid_content": 60, "compression_rate": 10}]
BLOCKS = {
    "design": {"slurries": 3, "compressions": 3},
    "learn": {"properties": ["density"], "seeds": 2, "resamples": 10},
    "optimise": {
        "goals": {"density": "maximise", "porosity": "minimise"},
        "calls": 10,
        "front": 20,
        "replicates": 1,
        "rounds": 1,
        "batch": 1,
        "targets": {"density": [0.1, None]},
    },
}
AFTER = {
    "fit": 1,
    "validate": 1,
    "sensitivity": 1,
    "optimum": 1,
    "uncertainty": 1,
    "front": 1,
}
DRAWN = ("draw_design", "draw_campaign", "write_page")
LEARNED = {"draw_learning": 1, "tabulate": 1}
REPORTED = {"draw_optimum": 1}
STRUCTURES = {"gather_structures": 1, "draw_structures": 1}
FILM = {"slurry": 1, "dry": 1, "press": 1, "calender": 1, "measure": 1}
LAMMPS = ("slurry", "dry", "press", "calender")


def blocks(**optimise):
    return BLOCKS | {"optimise": BLOCKS["optimise"] | optimise}


def times(count, jobs):
    return {name: count * number for name, number in jobs.items()}


def add(*plans):
    names = {name for plan in plans for name in plan}
    return {name: sum(plan.get(name, 0) for plan in plans) for name in names}


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_whole_plan_is_visible(clone):
    """Rounds, the optimum and recipes of choice, before anything is made."""
    clone.configure(**blocks(rounds=2, batch=3, replicates=2, recipes=LATE))
    design = {"slurry": 3, "dry": 3, "press": 3, "calender": 9, "measure": 9}
    figures = dict.fromkeys([*DRAWN, "draw_pictures"], 1)
    tables = {"design": 1, "gather": 1, "dataset": 1, "calendering_curves": 1}
    rounds = {"propose": 2, "gather_round": 2, "rounds": 1, "made": 1}
    late = times(2 * 3 + 2 + 2, FILM)
    report = add(REPORTED, LEARNED, STRUCTURES)
    assert clone.plan() == add(design, figures, tables, rounds, late, AFTER, report)
    # Without the blocks nothing of it is made.
    clone.configure(design=BLOCKS["design"])
    assert clone.plan() == add(design, figures, tables)
    clone.configure(design=BLOCKS["design"], learn={})
    assert clone.plan() == add(
        design,
        figures,
        tables,
        LEARNED,
        {name: AFTER[name] for name in ("fit", "validate", "sensitivity")},
    )


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A campaign with one round, whose electrode blows up."""
    clone = make_clone(tmp_path_factory.mktemp("learning") / "clone", measures=True)
    clone.configure(**BLOCKS)
    result = clone.snakemake(*CONFIG, STUB_BLOW_UP="manufacture/p0101/")
    assert result.returncode == 0, result.stdout + result.stderr
    return clone


def test_the_optimum_is_made(campaign):
    folder = campaign.folder / "results/small"
    assert campaign.plan() == {}
    surrogates = json.loads((folder / "learn/surrogates.json").read_text())
    assert list(surrogates["properties"]) == ["density", "porosity"]
    assert surrogates["samples"] == {"all": 10, "ok": 9, "slurries": 3}
    optimum = json.loads((folder / "optimise/optimum.json").read_text())
    recipe = json.loads((folder / "optimise/optimum_recipe.json").read_text())
    assert {name: recipe[name] for name in optimum["recipe"]} == optimum["recipe"]
    with netCDF4.Dataset(folder / "optimise/made.nc") as made:
        assert list(made["sample"][:]) == ["o00c0"] and list(made["status"][:]) == ["ok"]
        assert float(made["compression_rate"][0]) == recipe["compression_rate"]
        low, dry = (float(made[f"thickness_{name}"][0]) for name in ("lowest", "dried"))
        assert 100 * (1 - low / dry) == pytest.approx(recipe["compression_rate"], abs=0.1)
        density = float(made["density"][0])
    rows = read_rows(folder / "optimise/made.csv")
    assert [row["property"] for row in rows] == ["density", "porosity", "objective"]
    assert float(rows[0]["simulated"]) == density and rows[0]["films"] == "1"
    assert float(rows[0]["film_low"]) < float(rows[0]["process"]) < float(rows[0]["film_high"])
    # The best of the properties in the dataset is where the stand-in presses hardest.
    assert recipe["compression_rate"] > 30


def test_a_failed_electrode_of_a_round_is_reported(campaign):
    folder = campaign.folder / "results/small/optimise"
    (row,) = read_rows(folder / "rounds.csv")
    assert row["sample"] == "p0101c0" and row["status"] == "failed"
    assert "Lost atoms" in row["cause"] and 0 <= float(row["expected"]) <= 1
    assert len(read_rows(folder / "ledger.csv")) == 1


def test_electrodes_of_a_round_follow_the_settings(campaign, tmp_path):
    """As those of the design do; with the recipes that they had."""
    copy = Clone(tmp_path / "clone")
    shutil.copytree(campaign.folder, copy.folder, symlinks=True)
    engine = {"command": str(campaign.folder / "lmp")}

    def configure(**changed):
        copy.configure(**(BLOCKS | {"engine": engine} | changed))

    folder = copy.folder / "results/small/optimise"
    kept = [folder / "round1/recipe01.json", folder / "ledger.csv"]
    before = [path.read_bytes() for path in kept]
    configure(
        electrode={"solid_mass": 0.027},
        measure={"voxel_size": 0.7},
        optimise=BLOCKS["optimise"] | {"weights": {"density": 3}},
    )
    result = copy.snakemake(*CONFIG)
    assert result.returncode == 0, result.stdout + result.stderr
    assert copy.plan() == {}
    assert [path.read_bytes() for path in kept] == before
    with netCDF4.Dataset(folder / "round1/electrodes.nc") as made:
        assert list(made["sample"][:]) == ["p0101c0"] and list(made["status"][:]) == ["ok"]
    with netCDF4.Dataset(folder.parent / "manufacture/p0101/slurry.nc") as slurry:
        assert float(slurry["solid_mass"][...]) == pytest.approx(27_000)  # pg


def test_one_more_round_changes_no_earlier_one(campaign):
    """And what was proposed stays where the design grows."""
    campaign.configure(**(blocks(rounds=2) | {"design": {"slurries": 4, "compressions": 3}}))
    plan = campaign.plan()
    assert plan["propose"] == plan["gather_round"] == 1
    assert plan["slurry"] == 1 + 1 + 1  # of the design, of the new round, of a new optimum
    campaign.configure(**blocks(rounds=2))
    assert campaign.plan() == add(
        FILM,
        FILM,
        AFTER,
        {"propose": 1, "gather_round": 1, "rounds": 1, "made": 1, "write_page": 1},
        REPORTED,
        LEARNED,
        STRUCTURES,
    )
    folder = campaign.folder / "results/small"
    first = [
        *sorted((folder / "optimise/round1").iterdir()),
        *sorted((folder / "manufacture").glob("p0101*/*")),
        folder / "measure/p0101c0.nc",
        folder / "dataset.nc",
    ]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in first]
    ledger = (folder / "optimise/ledger.csv").read_text()
    target = "results/small/optimise/round2/electrodes.nc"
    result = campaign.snakemake(*CONFIG, "--", target)
    assert result.returncode == 0, result.stdout + result.stderr
    assert [(path.read_bytes(), path.stat().st_mtime_ns) for path in first] == before
    assert (folder / "optimise/ledger.csv").read_text().startswith(ledger)
    with netCDF4.Dataset(folder / "optimise/round2/electrodes.nc") as made:
        assert list(made["sample"][:]) == ["p0201c0"] and list(made["status"][:]) == ["ok"]
    # Nothing proposes it again, even if all is forced.
    plan = campaign.plan("--forceall")
    assert "propose" not in plan and plan["gather_round"] == 2
    # Without its file, the recipe is that of the ledger.
    recipe = folder / "optimise/round1/recipe01.json"
    content = recipe.read_bytes()
    recipe.unlink()
    result = campaign.snakemake(*CONFIG, "--", str(recipe.relative_to(campaign.folder)))
    assert result.returncode == 0 and recipe.read_bytes() == content


def test_started_at_a_dataset(campaign):
    """A shipped campaign: no LAMMPS job is planned, all else is made from its dataset."""
    shipped = campaign.coatline("ship", "shipped", "--configfile", "small.yaml")
    assert shipped.returncode == 0, shipped.stderr
    assert "note: the electrodes of rounds are not in it" in shipped.stderr
    config = "shipped/campaign.yaml"
    plan = campaign.plan(config=config)
    figures = dict.fromkeys(DRAWN, 1)
    drawn = {"design": 1, "draw_structures": 1}
    assert plan == add(AFTER, figures, REPORTED, LEARNED, drawn)
    assert not set(plan) & {*LAMMPS, "measure", "gather", "dataset"}
    result = campaign.snakemake("--cores", "1", "--configfile", config)
    assert result.returncode == 0, result.stdout + result.stderr
    folder = campaign.folder / "results/small-shipped"
    surrogates = json.loads((folder / "learn/surrogates.json").read_text())
    assert surrogates["samples"]["all"] == 9
    assert np.isfinite(json.loads((folder / "optimise/optimum.json").read_text())["objective"])
    assert not (folder / "manufacture").exists() and not (folder / "dataset.nc").exists()
    text = (folder / "report/index.html").read_text(encoding="utf-8")
    assert 'id="figure-front"' in text and 'id="figure-cost"' in text
    assert 'id="figure-electrodes"' in text
    first = json.loads((campaign.folder / "results/small/provenance.json").read_text())
    sent = (campaign.folder / "shipped/provenance.json").read_text()
    assert first["hosts"] and '"host' not in sent
    # Other code is a note, and changes nothing of what is planned.
    assert "note" not in result.stderr
    campaign.edit("workflow/lammps/dry.lmp", "run  ", "run 0\nrun  ")
    later = campaign.snakemake("-n", "--configfile", config)
    assert later.returncode == 0 and "Nothing to be done" in later.stdout + later.stderr
    assert "note: shipped/dataset.nc: dry was made by other code" in later.stderr


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (None, "campaign.dataset = 'mine.nc': there is no such file"),
        (b"text", "campaign.dataset = 'mine.nc': is no netCDF file"),
    ],
)
def test_a_dataset_that_cannot_be_used(clone, content, line):
    if content is not None:
        (clone.folder / "mine.nc").write_bytes(content)
    clone.configure(campaign={"dataset": "mine.nc"}, learn={})
    result = clone.snakemake("-n", "--configfile", "small.yaml")
    assert result.returncode != 0
    assert f"coatline: error: small.yaml: {line}" in result.stderr
    assert "Traceback" not in result.stdout + result.stderr
