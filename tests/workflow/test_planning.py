"""What a campaign would run, how fast that is known, and the style of the rule files."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import netCDF4
import pytest
import yaml

from coatline.optimise.ledger import Proposal
from tests.campaign.test_given import uncomment
from tests.workflow.clones import Clone

ROOT = Path(__file__).resolve().parents[2]
FIELDS = (
    "message",
    "input",
    "output",
    "log",
    "benchmark",
    "threads",
    "resources",
    "conda",
    "params",
    "script",
)
HEAVY = (
    *("numpy", "scipy", "pandas", "xarray", "netCDF4", "numba", "torch", "matplotlib", "SALib"),
    *("sklearn", "skopt", "pymoo"),
)

PARSE = """
import json, sys, time
started = time.process_time()
from pathlib import Path
from coatline.yaml_file import read_yaml
from coatline.campaign.fingerprint import physics_hash
from coatline.campaign.plan import make_plan
plan = make_plan(read_yaml(Path(sys.argv[1])), sys.argv[1], cache=Path("cache"))
for script in Path(sys.argv[2]).glob("*.py"):
    physics_hash(script=script, store=Path("cache") / "fingerprints.json")
seconds = time.process_time() - started
heavy = [name for name in sys.argv[3:] if name in sys.modules]
print(json.dumps([len(plan.design), len(plan.chunks), seconds, heavy]))
"""


def test_paper_campaign(clone):
    expected = describe(clone, "config/paper.yaml")
    started = count_seconds()
    plan = clone.plan(config="config/paper.yaml")
    assert count_seconds() - started < 10
    assert expected["left"] == plan
    # Three more at the optimum.
    assert plan["slurry"] == plan["dry"] == plan["press"] == 29 + 3
    assert plan["calender"] == plan["measure"] == 174 + 3
    # Calendering and measuring are one; what takes seconds is none.
    heavy = ("fit", "validate", "sensitivity", "optimum", "uncertainty", "front", "draw_pictures")
    assert expected["slurm_jobs"] == 3 * 32 + 177 + sum(plan[name] for name in heavy)
    assert expected["slurm_jobs"] <= 450


def count_seconds() -> float:
    """Processor time of programs that have ended, which does not go with the load."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def describe(clone: Clone, config: str) -> dict[str, Any]:
    """What `coatline plan` expects of a campaign."""
    words = (Path(sys.executable).with_name("coatline"), "plan", "--json", "--configfile", config)
    result = subprocess.run(words, cwd=clone.folder, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def forecast(clone: Clone) -> dict[str, int]:
    """Jobs by rule that coatline expects to be left."""
    return describe(clone, "small.yaml")["left"]


def remove(clone: Clone, *files: str) -> None:
    for file in files:
        (clone.folder / "results/small" / file).unlink()


def test_forecast_agrees_with_snakemake(finished):
    """Jobs by rule of a campaign of which some files are gone."""
    assert forecast(finished) == finished.plan() == {}
    remove(finished, "manufacture/y00/press.nc")
    assert forecast(finished) == finished.plan() == {}, "nobody needs it any more"
    remove(finished, "measure/chunks/0000.nc", "measure/y01c1.nc", "dataset.nc")
    assert forecast(finished) == finished.plan()
    assert forecast(finished)["measure"] == 1


def test_forecast_knows_samples_and_slurries_that_were_added(finished):
    """The files that a campaign ends with are there, and made of too few."""
    finished.configure(design={"compressions": 3})
    left = forecast(finished)
    assert left == finished.plan()
    assert left["calender"] == left["measure"] and left["gather"] == 1 and "press" not in left
    finished.configure(design={"slurries": 3, "compressions": 2})
    left = forecast(finished)
    assert left == finished.plan()
    assert left["press"] == 1 and left["calender"] == 2 and left["dataset"] == 1
    finished.configure(design={"slurries": 1})
    assert forecast(finished) == finished.plan()


TOLD = """

def ask_again(*words, ask=ask_again):
    print("looked at", words[3], file=sys.stderr)
    return ask(*words)


def request(*words, request=request):
    ask = request(*words)

    def told(wildcards, attempt):
        value = ask(wildcards, attempt)
        print("asked", job_names[words[0]].format(**wildcards), words[1], value, file=sys.stderr)
        return value

    return with_signature(told)
"""
"""Says what jobs ask for, and at which claims they look."""


def read_requests(clone: Clone, *options: str) -> tuple[dict[tuple[str, str], int], set[str]]:
    """What jobs would ask for, by job and resource, and those whose claims were looked at."""
    result = clone.snakemake("-n", "--configfile", "small.yaml", *options)
    assert result.returncode == 0, result.stderr
    asked = re.findall(r"^asked (\S+) (\S+) (\d+)$", result.stderr, re.MULTILINE)
    looked = re.findall(r"^looked at (\S+)$", result.stderr, re.MULTILINE)
    return {(job, kind): int(value) for job, kind, value in asked}, set(looked)


def test_requests_of_a_new_run_follow_what_the_last_one_lacked(clone):
    """At the first attempt too; calendering and measuring share the time of one SLURM job just
    where the profile makes them one."""
    clone.append("workflow/rules/common.smk", TOLD)
    clone.configure(learn={"properties": ["density"]}, cluster={"longest_job": 150})
    causes = {
        "manufacture.y00.dry": "memory",
        "measure.y01c0": "time",
        "learn.fit": "killed",
        "learn.validate": "error",
    }
    for job, cause in causes.items():
        path = clone.folder / f"results/small/jobs/{job}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"rule": "any", "ended": "now", "cause": cause}))
    asked, looked = read_requests(clone)
    assert looked == set(causes)
    first = asked["manufacture.y01.dry", "mem_mb"]
    assert asked["manufacture.y00.dry", "mem_mb"] == 2 * first
    assert asked["manufacture.y00.dry", "runtime"] == asked["manufacture.y01.dry", "runtime"]
    assert (asked["learn.fit", "mem_mb"], asked["learn.fit", "runtime"]) == (4000, 120)
    assert (asked["learn.validate", "mem_mb"], asked["learn.validate", "runtime"]) == (2000, 120)
    assert (asked["measure.y01c0", "runtime"], asked["measure.y01c1", "runtime"]) == (20, 10)
    clone.configure(cluster={"longest_job": 13})
    jobs = [("measure.y01c0", "runtime"), ("manufacture.y01c0.calender", "runtime")]
    asked, _ = read_requests(clone)
    assert [asked[job] for job in jobs] == [13, 10], "no SLURM"
    asked, _ = read_requests(clone, "--profile", "slurm")
    assert [asked[job] for job in jobs] == [6, 6]
    clone.edit("profiles/slurm/config.yaml", '  measure: "{sample}"\n', "")
    asked, _ = read_requests(clone, "--profile", "slurm")
    assert [asked[job] for job in jobs] == [13, 10], "two SLURM jobs"


OPTIMISED = {
    "learn": {"properties": ["density"], "seeds": 2},
    "optimise": {
        "rounds": 2,
        "batch": 2,
        "replicates": 2,
        "recipes": [{"active_material": 94, "solid_content": 60, "compression_rate": 10}],
    },
}


@pytest.mark.parametrize(
    "blocks",
    [
        {},
        {"learn": {}},
        {"optimise": {"replicates": 0}},
        {"campaign": {"dataset": "given/dataset.nc"}, "optimise": {"replicates": 1}},
        {"campaign": {"dataset": "given/dataset.nc"}},
    ],
    ids=["neither", "learned", "optimised", "from-dataset-made", "from-dataset"],
)
def test_forecast_of_a_fresh_campaign(clone, blocks):
    (clone.folder / "given").mkdir()
    for name in ("dataset.nc", "calendering_curves.nc", "structures.nc"):
        netCDF4.Dataset(clone.folder / "given" / name, "w").close()
    clone.configure(**blocks)
    assert forecast(clone) == clone.plan()


def test_forecast_of_rounds_and_optimum(clone):
    """Late electrodes count, fresh and where files are gone; what was proposed stays."""
    clone.configure(**OPTIMISED)
    fresh = forecast(clone)
    assert fresh == clone.plan()
    assert fresh["slurry"] == 2 + 2 * 2 + 2 + 2
    recipe = (90.0, 60.0, 20.0)
    pairs = [(round, number) for round in (1, 2) for number in (1, 2)]
    clone.touch(proposals=[Proposal(*pair, recipe, 0.5, 0.1, "0" * 16, "0" * 16) for pair in pairs])
    assert forecast(clone) == {}
    remove(clone, "optimise/round1/electrodes.nc", "optimise/front.nc")
    left = forecast(clone)
    assert left == clone.plan()
    assert left["gather_round"] == 1 and "propose" not in left
    assert left["slurry"] == 2, "those of the optimum"


SBATCH = """#!/bin/sh
printf '%s ' "$@" >> "$(dirname "$0")/asked"
echo "sbatch: error: refused" >&2
exit 1
"""


def test_engine_and_limits_can_stand_in_the_profile(clone, monkeypatch):
    """The place that the shipped profile has for them, in force: Snakemake leaves it untyped."""
    file = clone.folder / "profiles/slurm/config.yaml"
    file.write_text(uncomment(file.read_text(encoding="utf-8")), encoding="utf-8")
    clone.configure(electrode={"solid_mass": 5})
    programs = clone.folder / "fake"
    programs.mkdir()
    for name in ("sbatch", "sinfo", "sacct", "sacctmgr", "squeue", "scancel"):
        (programs / name).write_text(SBATCH if name == "sbatch" else "#!/bin/sh\necho p\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    options = ("--profile", "slurm", "--retries", "0", "--configfile", "small.yaml")
    options += ("--slurm-init-seconds-before-status-checks", "1")
    slurry = "results/small/manufacture/y00/slurry.nc"
    for words, asked in (
        ((), r"--cpus-per-task=(?:[4-9]|1[0-6])\b"),
        (("--config", "engine={threads: 2}", "cluster={longest_job: 7}"), r"--cpus-per-task=2\b"),
    ):
        result = clone.snakemake(*options, *words, "--", slurry)
        assert (programs / "asked").exists(), result.stdout + result.stderr
        call = (programs / "asked").read_text()
        assert re.search(asked, call), call + result.stderr
        (programs / "asked").unlink()
    # The command line stands over the profile, value by value.
    assert re.search(r"(?:-t|--time)[ =]7\b", call), call


def test_folder_that_a_shell_would_read_otherwise_is_refused(clone, tmp_path):
    """Snakemake writes its path into the scripts of SLURM jobs."""
    folder = tmp_path / "it's $(touch pwned)"
    shutil.copytree(clone.folder, folder, symlinks=True)
    result = Clone(folder).snakemake("-n", "--configfile", "small.yaml")
    assert result.returncode != 0 and "coatline: error: the folder" in result.stderr
    words = ("--config", "engine={command: '$(touch pwned)'}")
    result = clone.snakemake("-n", "--configfile", "small.yaml", *words)
    assert result.returncode != 0 and "coatline: error: --config" in result.stderr


def test_demo_is_the_default_and_is_not_mixed_into_others(clone):
    plain = clone.snakemake("-n", "--quiet", "rules")
    assert re.search(r"^slurry +7$", plain.stdout + plain.stderr, re.MULTILINE)
    # A configuration without an electrode takes the default, not the demo's.
    (clone.folder / "other.yaml").write_text(
        "campaign: {name: other}\ndesign: {kind: recipes, recipes: "
        "[{active_material: 94, solid_content: 60, compression_rate: 10}]}\n"
    )
    assert clone.plan(config="other.yaml")["slurry"] == 1
    listed = clone.snakemake("--summary", "--configfile", "other.yaml").stdout
    assert "results/other/" in listed and "results/demo/" not in listed


def parse(folder: Path, config: Path) -> tuple[int, int, float, list[str]]:
    command = [sys.executable, "-c", PARSE, str(config), str(ROOT / "workflow/scripts"), *HEAVY]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(result.stdout)


def test_parsing_10000_samples(tmp_path):
    config = yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8"))
    config["design"]["slurries"] = 1667
    (tmp_path / "large.yaml").write_text(yaml.safe_dump(config))
    first = parse(tmp_path, tmp_path / "large.yaml")
    assert first[:2] == [10_002, 105]
    _, _, seconds, heavy = parse(tmp_path, tmp_path / "large.yaml")
    assert seconds < 2 and heavy == []


def test_lint_finds_nothing(clone):
    result = clone.snakemake("--lint", "--configfile", "config/demo.yaml")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "good condition" in result.stdout + result.stderr


def test_snakefmt_changes_nothing():
    command = [sys.executable, "-m", "snakefmt", "--check", "Snakefile", "workflow"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_rules_have_the_same_fields_in_the_same_order():
    count = 0
    for file in sorted((ROOT / "workflow/rules").glob("*.smk")):
        text = file.read_text(encoding="utf-8")
        for name, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", text, re.MULTILINE):
            fields = re.findall(r"^    (\w+):", body, re.MULTILINE)
            fields = [one for one in fields if one not in ("retries", "wildcard_constraints")]
            wanted = [field for field in FIELDS if field != "input" or "input" in fields]
            assert tuple(fields) == tuple(wanted), f"{file.name}: rule {name}"
            assert f'"../scripts/{name}.py"' in body
            count += 1
    assert count == 28


def test_scripts_are_a_few_lines():
    for script in (ROOT / "workflow/scripts").glob("*.py"):
        lines = script.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 45 or script.name == "job.py", script.name
