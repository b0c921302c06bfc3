"""Whole campaigns through Snakemake, with a stand-in for LAMMPS."""

import json
import os
import re
import shutil
from pathlib import Path

import netCDF4
import pytest

from tests.slurm.table import count_jobs, note_fault, note_samples
from tests.workflow.clones import Clone, make_clone

OWN_FOLDERS = {"HOME": "home", "XDG_CACHE_HOME": "cache", "TMPDIR": "tmp"}
CONFIG = ("--cores", "1", "--configfile", "small.yaml")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory) -> Clone:
    folder = tmp_path_factory.mktemp("campaign")
    clone = make_clone(folder / "clone", measures=True)
    for name in OWN_FOLDERS.values():
        (folder / name).mkdir()
    before = list_files(folder)
    # A node that goes away at the first attempt of one stage.
    kill = {"STUB_KILL": "manufacture/y01/", "STUB_MARK": str(folder / "killed")}
    own = {name: str(folder / place) for name, place in OWN_FOLDERS.items()}
    result = clone.snakemake(*CONFIG, **kill, **own)
    assert result.returncode == 0, result.stdout + result.stderr
    (folder / "new.json").write_text(json.dumps(sorted(list_files(folder) - before)))
    return clone


def list_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def read(path: Path, name: str) -> list:
    with netCDF4.Dataset(path) as file:
        return list(file.variables[name][:])


def test_dataset_holds_all_samples(campaign):
    dataset = campaign.folder / "results/small/dataset.nc"
    assert read(dataset, "sample") == ["y00c0", "y00c1", "y01c0", "y01c1"]
    assert read(dataset, "status") == ["ok"] * 4
    rates = read(dataset, "compression_rate")
    reached = [
        1 - low / dry
        for low, dry in zip(read(dataset, "thickness_lowest"), read(dataset, "thickness_dried"))
    ]
    assert reached == pytest.approx([rate / 100 for rate in rates], abs=1e-3)


ALLOWED = {
    r"killed": "the stub's note of its fault",
    r"clone/results/small/.+": "results",
    r"clone/\.snakemake/.+": "what Snakemake and coatline keep of the clone's campaigns",
    r"clone/src/(\w+/)*__pycache__/[\w.-]+\.(pyc|nbi|nbc)": "compiled code, numba's too",
    r"cache/snakemake/.+": "Snakemake's copies of sources",
    r"cache/matplotlib/fontlist[\w.-]+": "matplotlib's list of fonts, made once for a user",
}
"""Files that a campaign leaves, to the page and its figures."""


def test_files_appear_in_results_alone_and_where_software_keeps_its_caches(campaign):
    new = json.loads((campaign.folder.parent / "new.json").read_text())
    assert any(file.startswith("clone/results/small/report/") for file in new)
    assert [file for file in new if not any(re.fullmatch(one, file) for one in ALLOWED)] == []


def test_provenance_names_attempts_seeds_and_versions(campaign):
    made = json.loads((campaign.folder / "results/small/provenance.json").read_text())
    assert set(made["slurries"]) == {"y00", "y01"}
    assert set(made["samples"]) == {"y00c0", "y00c1", "y01c0", "y01c1"}
    assert made["slurries"]["y00"]["slurry"]["attempt"] == 1
    assert made["slurries"]["y01"]["slurry"]["attempt"] == 2  # killed once
    seeds = {made["slurries"][slurry]["slurry"]["seed"] for slurry in made["slurries"]}
    assert len(seeds) == 2
    assert made["lammps"] == ["stub"]
    assert made["config"]["material"]["name"] == "NMC111"
    assert set(made["samples"]["y00c0"]) == {"calender", "measure"}


def test_second_run_runs_nothing(campaign):
    assert campaign.plan() == {}
    result = campaign.snakemake(*CONFIG)
    assert result.returncode == 0 and "Nothing to be done" in result.stdout + result.stderr


def test_at_most_eight_files_per_sample(campaign):
    files = [path for path in (campaign.folder / "results").rglob("*") if path.is_file()]
    own = [path for path in files if "y01c1" in path.relative_to(campaign.folder).as_posix()]
    assert 0 < len(own) <= 8
    assert not [path for path in files if ".work" in path.as_posix() or ".chain" in path.as_posix()]


def test_calendering_curves_hold_all_slurries(campaign):
    curves = campaign.folder / "results/small/calendering_curves.nc"
    assert read(curves, "slurry") == ["y00", "y01"]
    assert read(curves, "status") == ["ok", "ok"]
    with netCDF4.Dataset(curves) as file:
        assert file["porosity"].shape == (2, 38)  # 0 to 37 %


def test_replicates_dried_films_and_beads_of_ones_own(clone):
    """Two slurries of one recipe; one electrode of each is not calendered."""
    rows = [{"active_material": 96, "solid_content": 69, "compression_rate": r} for r in (0, 12)]
    clone.configure(
        "own.yaml",
        design={"kind": "recipes", "recipes": rows, "replicates": 2},
        electrode={"bead_diameter": 1.6},
    )
    clone.edit("own.yaml", "  compressions: 2\n", "")
    clone.edit("own.yaml", "  slurries: 2\n", "")
    result = clone.snakemake("--cores", "1", "--configfile", "own.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    folder = clone.folder / "results/small"
    assert read(folder / "dataset.nc", "sample") == ["y00c0", "y00r1c0", "y00c1", "y00r1c1"]
    assert read(folder / "dataset.nc", "status") == ["ok"] * 4
    lowest, dried = (read(folder / "dataset.nc", f"thickness_{n}") for n in ("lowest", "dried"))
    assert lowest[:2] == dried[:2]
    assert read(folder / "calendering_curves.nc", "slurry") == ["y00", "y00r1"]
    with netCDF4.Dataset(folder / "manufacture/y00r1/slurry.nc") as file:
        # Beads are counted: the last bit of mass goes into their size.
        assert float(file["bead_diameter"][...]) == pytest.approx(1.6, rel=1e-3)
    made = json.loads((folder / "provenance.json").read_text())
    assert set(made["slurries"]) == {"y00", "y00r1"}
    seeds = {run["slurry"]["seed"] for run in made["slurries"].values()}
    assert len(seeds) == 2


OWN = ("profiles", "failures", "calendering", "cost")


def test_figures_in_three_formats(campaign):
    figures = campaign.folder / "results/small/report/figures"
    assert {path.name for path in figures.iterdir()} == {
        f"{name}.{form}"
        for name in ("design", "distributions", "validation", *OWN)
        for form in ("svg", "pdf", "png")
    }


def test_the_page_shows_the_electrodes(campaign):
    folder = campaign.folder / "results/small"
    text = (folder / "report/index.html").read_text(encoding="utf-8")
    for name in OWN:
        assert f'id="figure-{name}"' in text
    assert "None of 4 electrodes failed" in text
    assert (folder / "electrodes/y01c1.jpg").stat().st_size > 1000


def test_figures_are_made_again_from_gathered_files_alone(campaign):
    options = ("--forcerun", "draw_campaign", "--", "figures")
    assert campaign.plan(*options) == {"draw_campaign": 1, "figures": 1}


def test_equal_campaigns_give_equal_datasets(campaign, tmp_path):
    """All is made again at other times: the same bytes of states and of the dataset."""
    folder = tmp_path / "clone"
    shutil.copytree(campaign.folder, folder, symlinks=True)
    names = ("dataset.nc", "manufacture/y00/dried.restart", "manufacture/y01c1/calendered.data.gz")
    files = [folder / "results/small" / name for name in names]
    before = [(path.read_bytes(), path.stat().st_mtime_ns) for path in files]
    made = Clone(folder).snakemake(*CONFIG, "--forceall", "--", "results/small/dataset.nc")
    assert made.returncode == 0, made.stderr
    for path, (content, moment) in zip(files, before, strict=True):
        assert path.stat().st_mtime_ns > moment
        assert path.read_bytes() == content, path.name


def list_finished(said: str) -> list[str]:
    """Rules of the jobs that Snakemake saw finished, one for each."""
    return re.findall(r"^Finished jobid: \d+ \(Rule: (\w+)\)", said, re.MULTILINE)


def test_a_record_cut_off_is_made_again(campaign, tmp_path):
    """What is damaged is named and made again, alone, to the same dataset."""
    folder = tmp_path / "clone"
    shutil.copytree(campaign.folder, folder, symlinks=True)
    clone, results = Clone(folder), folder / "results/small"
    before = (results / "dataset.nc").read_bytes()
    record = results / "measure/y00c0.nc"
    times = record.stat()
    record.write_bytes(record.read_bytes()[: times.st_size // 2])
    os.utime(record, ns=(times.st_atime_ns, times.st_mtime_ns))
    for file in (results / "dataset.nc", *results.glob("measure/chunks/*.nc")):
        file.unlink()
    target = ("--retries", "0", "--", "results/small/dataset.nc")
    resumed = clone.coatline("resume", "small", "--", *CONFIG, *target)
    said = resumed.stdout + resumed.stderr
    assert resumed.returncode == 0, said
    assert "measure/y00c0.nc: damaged" in said
    assert (results / "dataset.nc").read_bytes() == before
    again = [rule for rule in list_finished(said) if rule not in ("gather", "dataset")]
    assert again == ["measure"]
    note_fault("a netCDF cut off", "named, made again", count_jobs([f"{again[0]}/y00c0"]))
    note_samples(4, 0)


def test_physical_failure_is_a_result(clone):
    """One slurry of two blows up: its samples fail, the others do not, the campaign stops."""
    result = clone.snakemake(*CONFIG, STUB_BLOW_UP="manufacture/y01/")
    assert result.returncode != 0
    lines = [line for line in result.stderr.splitlines() if line.startswith("coatline: error")]
    assert lines and all(line == lines[0] for line in lines)
    assert "2 of 4 samples failed, campaign.minimum_success = 0.9 allows 0" in lines[0]
    assert "Lost atoms" in lines[0] and "logs" in lines[0]
    folder = clone.folder / "results/small"
    assert not (folder / "dataset.nc").exists()
    kept = folder / "dataset_incomplete.nc"
    assert read(kept, "status") == ["ok", "ok", "failed", "failed"]
    assert all("Lost atoms" in cause for cause in read(kept, "cause")[2:])

    clone.configure(campaign={"minimum_success": 0.5})
    left = clone.plan()
    assert {"dataset", "draw_campaign", "write_page"} <= set(left)
    assert set(left) <= {"dataset"} | {name for name in left if "draw" in name or "page" in name}
    result = clone.snakemake(*CONFIG)
    assert result.returncode == 0, result.stderr
    assert read(folder / "dataset.nc", "status") == ["ok", "ok", "failed", "failed"]
    assert not kept.exists()


def test_recipe_known_late_uses_the_same_rules(clone):
    """An electrode whose recipe another job writes, as an optimum is: by its own file, alone."""
    late = '{"o00": "late.json", "o00c0": "late.json"}'
    clone.edit("workflow/rules/files.smk", "late_recipes = {}", f"late_recipes = {late}")
    recipe = {"active_material": 92.0, "solid_content": 60.0, "compression_rate": 12.5}
    (clone.folder / "late.json").write_text(json.dumps(recipe))
    target = "results/small/measure/o00c0.nc"
    one = {"slurry": 1, "dry": 1, "press": 1, "calender": 1, "measure": 1}
    assert clone.plan("--", target) == one
    result = clone.snakemake(*CONFIG, "--", target)
    assert result.returncode == 0, result.stderr
    with netCDF4.Dataset(clone.folder / target) as file:
        assert file.status == "ok"
        low, dry = (float(file[name][...]) for name in ("thickness_lowest", "thickness_dried"))
        assert 1 - low / dry == pytest.approx(0.125, abs=1e-3)
