"""A campaign on one machine that is killed, edited or shared: no work is lost, mixed or doubled."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import netCDF4
import pytest

from coatline.campaign.head import list_locks
from tests.slurm.campaign import read_variables
from tests.slurm.table import count_jobs, note_fault
from tests.workflow.clones import PATIENCE, Clone, make_clone

pytestmark = pytest.mark.workflow
BIN = Path(sys.executable).parent
PRESSED = "results/small/manufacture/y00/press.nc"
HELD = {"STUB_FAULTS": "hold:go@y00/.chain-dry/"}
"""Drying waits for the file `go`."""
OPTIONS = ("--cores", "1", "--configfile", "small.yaml", "--", PRESSED)


def start(
    clone: Clone, *options: str, program: str = "snakemake", **environment: str
) -> subprocess.Popen:
    """Start a program; what it says goes to `head.log`."""
    marks = {"STUB_MARKS": str(clone.folder), "PATH": f"{BIN}:{os.environ['PATH']}"}
    with open(clone.folder / "head.log", "a") as log:
        return subprocess.Popen(
            [BIN / program, *options],
            cwd=clone.folder,
            env=os.environ | marks | environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def coatline(clone: Clone, *words: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [BIN / "coatline", *words],
        cwd=clone.folder,
        capture_output=True,
        text=True,
        timeout=300 * PATIENCE,
    )


def wait_for(path: Path, seconds: float = 120) -> None:
    end = time.monotonic() + seconds * PATIENCE
    while not path.exists():
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.1)


def read(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


def wait_for_text(path: Path, text: str, seconds: float = 120) -> None:
    """Wait for a text in a file, which may be made anew meanwhile."""
    end = time.monotonic() + seconds * PATIENCE
    while text not in (said := read(path)):
        assert time.monotonic() < end, f"{path}: {said}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> tuple[Clone, set[Path]]:
    """A campaign whose Snakemake was killed while it dried a slurry, and the files before that."""
    clone = make_clone(tmp_path_factory.mktemp("killed") / "clone")
    before = list_files(clone)
    head = start(clone, *OPTIONS, **HELD)
    wait_for(clone.folder / "fault0")
    os.kill(head.pid, signal.SIGKILL)
    head.wait()
    return clone, before


def list_files(clone: Clone) -> set[Path]:
    return {path for path in clone.folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


def test_killed_snakemake(killed):
    """In one test, as time runs: advice, status, recovery that repeats nothing, files where they
    belong."""
    killed, before = killed
    claim = json.loads((killed.folder / "results/small/jobs/manufacture.y00.dry.json").read_text())
    locked = killed.snakemake(*OPTIONS)
    assert locked.returncode != 0
    assert "to recover: coatline resume small" in locked.stderr
    shown = coatline(killed, "status", "--configfile", "small.yaml")
    assert "its Snakemake was killed" in shown.stdout and "manufacture.y00.dry" in shown.stdout
    resumed = start(killed, "resume", program="coatline")
    wait_for_text(killed.folder / "head.log", "waiting for manufacture.y00.dry")
    (killed.folder / "go").touch()
    assert resumed.wait(timeout=300 * PATIENCE) == 0, (killed.folder / "head.log").read_text()
    wait_for_text(killed.folder / "head.log", "what orphans finished counts")
    with netCDF4.Dataset(killed.folder / PRESSED) as file:
        made = json.loads(file.provenance)
    assert made["dry"]["token"] == claim["token"], "the orphan's work was made again"
    assert made["dry"]["attempt"] == 1
    assert killed.plan("--", PRESSED) == {}
    assert list((killed.folder / "results/small/jobs").iterdir()) == []
    for folder in (".attempt-*", ".chain-*"):
        assert not list(killed.folder.glob(f"results/small/**/{folder}"))
    new = {path.relative_to(killed.folder).parts[0] for path in list_files(killed) - before}
    assert new == {"results", ".snakemake", "head.log", "fault0", "go"}


def test_damaged_state_is_made_again(killed):
    """A state that is cut off, its time kept, is named and made again, with what follows from it
    and no more."""
    clone, _ = killed
    folder = clone.folder / "results/small/manufacture/y00"
    state = folder / "dried.restart"
    times = state.stat()
    state.write_bytes(state.read_bytes()[:-100])
    os.utime(state, ns=(times.st_atime_ns, times.st_mtime_ns))
    (clone.folder / PRESSED).unlink()
    untouched = (folder / "slurry.restart").stat().st_mtime_ns
    options = (*OPTIONS[:-2], "--retries", "0", *OPTIONS[-2:])
    resumed = coatline(clone, "resume", "small", "--", *options)
    said = resumed.stdout + resumed.stderr
    assert resumed.returncode == 0, said
    assert "dried.restart: damaged" in said and (clone.folder / PRESSED).exists()
    assert (folder / "slurry.restart").stat().st_mtime_ns == untouched
    run = re.findall(r"^Job \d+: manufacture: (\w+) (\w+)$", said, re.MULTILINE)
    assert set(run) == {("dry", "y00"), ("press", "y00")}
    # That the pressing is run once more is the test's own doing.
    again = [f"{rule}/{name}" for rule, name in set(run) - {("press", "y00")}]
    note_fault("an intermediate cut off", "named, made again", count_jobs(again))


def test_neighbours_of_a_damaged_state_stay(tmp_path):
    """An electrode finds the film that it is to be pressed from damaged: the film is pressed again,
    and those that were made from it stay. A plain run makes them again, and says so before."""
    clone = make_clone(tmp_path / "clone")
    folder = clone.folder / "results/small/manufacture"
    records = [folder / f"y00c{number}" / "calender.nc" for number in range(2)]
    targets = [str(path.relative_to(clone.folder)) for path in records]
    words = ("--cores", "1", "--retries", "0", "--configfile", "small.yaml", "--", *targets)
    made = clone.snakemake(*words)
    assert made.returncode == 0, made.stdout + made.stderr
    for damaged in (folder / "y00/press.nc", find_state(clone, "y00c1")):
        held, before = damaged.read_bytes(), records[0].stat()
        damaged.unlink()
        records[1].unlink()
        assert clone.plan("--", *targets) == {"press": 1, "calender": 2}
        damaged.write_bytes(held[:-100])
        times = (folder / "y00/dried.nc").stat()
        os.utime(damaged, ns=(times.st_atime_ns, times.st_mtime_ns))
        resumed = coatline(clone, "resume", "small", "--", *words)
        said = resumed.stdout + resumed.stderr
        assert resumed.returncode == 0, said
        assert f"{damaged.name}: damaged" in said and records[1].exists()
        assert records[0].stat() == before, "made again"
        assert clone.plan("--", *targets) == {}
        with netCDF4.Dataset(records[1]) as file:
            assert json.loads(file.provenance)["calender"]["attempt"] == 2
        assert not list(folder.glob("*/.removed-*"))


def find_state(clone: Clone, sample: str) -> Path:
    """The state that an electrode is pressed from."""
    shown = clone.snakemake("-n", "--detailed-summary", "--configfile", "small.yaml")
    row = next(line for line in shown.stdout.splitlines() if f"{sample}/calender.nc" in line)
    return clone.folder / re.search(r"\S+/grid\d+\.restart", row)[0]


def test_nothing_to_resume(clone):
    result = coatline(clone, "resume")
    assert result.returncode == 2 and "no campaign" in result.stderr
    for name in ("nowhere", "..", "a/b", "$(touch pwned)"):
        result = coatline(clone, "resume", name)
        assert result.returncode == 2 and result.stderr.count("\n") == 1
    assert not (clone.folder / "pwned").exists()


def test_locks_of_other_campaigns_stay(tmp_path):
    locks = tmp_path / "locks"
    locks.mkdir()
    (locks / "0.output.lock").write_text("results/small/dataset.nc\n")
    (locks / "1.output.lock").write_text("results/smaller/dataset.nc\nresults/small.nc\n")
    found = list_locks(Path("results/small"), tmp_path)
    assert [path.name for path in found] == ["0.output.lock"]


def test_two_heads_two_jobs_for_one_result_and_code_edited_meanwhile(clone):
    """While a job runs: a second Snakemake is refused, even past Snakemake's own lock, which goes
    as soon as another campaign ends; one that got past that too waits for the job and takes its
    result; a job that would run with other code refuses."""
    head = start(clone, *OPTIONS, STUB_FAULTS="hold:go@y00/.chain-slurry/")
    wait_for(clone.folder / "fault0")
    claim = json.loads(
        (clone.folder / "results/small/jobs/manufacture.y00.slurry.json").read_text()
    )
    refused = clone.snakemake("--nolock", *OPTIONS)
    assert refused.returncode != 0
    assert "another Snakemake is at work on small" in refused.stderr
    target = "results/small/manufacture/y00/slurry.nc"
    head_file = clone.folder / "results/small/jobs/head.json"
    head_file.rename(clone.folder / "head.json")  # as if its file had been lost
    second = start(clone, "--nolock", "--cores", "1", "--configfile", "small.yaml", "--", target)
    wait_for_text(
        clone.folder / "results/small/logs/manufacture/y00.slurry.log", "who makes the same"
    )
    clone.append("workflow/lammps/press.lmp", "\nrun 10\n")
    (clone.folder / "go").touch()
    assert head.wait(timeout=200 * PATIENCE) != 0
    assert second.wait(timeout=200 * PATIENCE) == 0, (clone.folder / "head.log").read_text()
    with netCDF4.Dataset(clone.folder / target) as file:
        assert json.loads(file.provenance)["slurry"]["token"] == claim["token"]
    log = (clone.folder / "head.log").read_text()
    assert "the code behind press was changed while the campaign runs" in log
    assert (clone.folder / "results/small/manufacture/y00/dried.nc").exists()
    assert not (clone.folder / PRESSED).exists()
    assert clone.plan("--", PRESSED) == {"press": 1}


def test_configuration_and_module_edited_while_a_job_is_held(clone):
    """On one machine a run keeps the configuration that it began with; a job whose code was edited
    meanwhile puts nothing in place, though it had loaded it before."""
    folder = clone.folder / "results/small/manufacture/y00"
    options = (*OPTIONS[:-2], "--retries", "0", *OPTIONS[-2:])
    head = start(clone, *options, STUB_FAULTS="hold:go@y00/.chain-slurry/")
    wait_for(clone.folder / "fault0")
    clone.configure(electrode={"solid_loading": 9})
    (clone.folder / "go").touch()
    assert head.wait(timeout=200 * PATIENCE) == 0
    assert clone.plan("--", PRESSED) == {"slurry": 1, "dry": 1, "press": 1}
    clone.configure()
    assert clone.plan("--", PRESSED) == {}, "all was made with the old one"
    (folder / "dried.nc").unlink()
    (clone.folder / PRESSED).unlink()
    for name in ("fault0", "go"):
        (clone.folder / name).unlink()
    head = start(clone, *options, **HELD)
    wait_for(clone.folder / "fault0")
    code = "src/coatline/manufacture/stages.py"
    clone.append(code, "\nprint()\n")
    (clone.folder / "go").touch()
    assert head.wait(timeout=200 * PATIENCE) != 0
    log = read(clone.folder / "head.log")
    assert "the code behind dry was changed while the campaign runs" in log
    assert not (folder / "dried.nc").exists()
    assert clone.plan("--", PRESSED) == {"slurry": 1, "dry": 1, "press": 1}


def test_killed_before_it_began_jobs_and_orphans_ended_on_demand(clone):
    """Killed between its locks and its first job, Snakemake has left what it was started with; of
    the next one, killed as well, the orphan is ended and its work done again."""
    code = f"if not Path('dead').touch(exist_ok=False): os.kill(os.getpid(), {signal.SIGKILL:d})"
    clone.edit("workflow/rules/campaign.smk", "onstart:\n", f"onstart:\n    {code}\n")
    assert clone.snakemake(*OPTIONS).returncode == -signal.SIGKILL
    assert not list(clone.folder.glob("results/small/manufacture/*"))
    clone.edit("workflow/rules/campaign.smk", code, "pass")
    locked = clone.snakemake(*OPTIONS)
    assert locked.returncode != 0 and "to recover: coatline resume small" in locked.stderr
    resumed = start(clone, "resume", program="coatline", **HELD)
    wait_for(clone.folder / "fault0")
    claim = json.loads((clone.folder / "results/small/jobs/manufacture.y00.dry.json").read_text())
    head = json.loads((clone.folder / "results/small/jobs/head.json").read_text())
    os.kill(head["pid"], signal.SIGKILL)
    resumed.wait(timeout=60)
    ended = coatline(clone, "resume", "--cancel")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "ending manufacture.y00.dry" in ended.stderr
    with netCDF4.Dataset(clone.folder / PRESSED) as file:
        made = json.loads(file.provenance)["dry"]
    assert made["token"] != claim["token"] and made["attempt"] == 2
    assert list((clone.folder / "results/small/jobs").iterdir()) == []


def test_a_run_with_nothing_to_do_leaves_nothing(finished):
    before = list_files(finished)
    result = finished.snakemake("--cores", "1", "--configfile", "small.yaml")
    assert result.returncode == 0 and "Nothing to be done" in result.stdout + result.stderr
    new = {path.relative_to(finished.folder).as_posix() for path in list_files(finished) - before}
    assert all(path.startswith(".snakemake/log/") for path in new), new


def test_two_campaigns_at_once_in_one_clone(tmp_path):
    """The one that ends first takes no lock but its own; both datasets are those made alone."""
    clones = [make_clone(tmp_path / name, measures=True) for name in ("together", "alone")]
    design = {"kind": "shared-slurries", "slurries": 1, "compressions": 1}
    seeds = {"small": 1, "other": 2}
    for clone in clones:
        for name, seed in seeds.items():
            clone.configure(f"{name}.yaml", campaign={"name": name, "seed": seed}, design=design)
    together, alone = clones

    def words(name: str) -> tuple[str, ...]:
        dataset = f"results/{name}/dataset.nc"
        return ("--cores", "1", "--configfile", f"{name}.yaml", "--", dataset)

    holds = ";".join(f"hold:go-{name}@/{name}/manufacture/y00/.chain-slurry/" for name in seeds)
    heads = {name: start(together, *words(name), STUB_FAULTS=holds) for name in seeds}
    for number in range(len(heads)):
        wait_for(together.folder / f"fault{number}")
    (together.folder / "go-small").touch()
    assert heads["small"].wait(timeout=300 * PATIENCE) == 0, read(together.folder / "head.log")
    locks = together.folder / ".snakemake"
    assert list_locks(Path("results/other"), locks) and not list_locks(Path("results/small"), locks)
    assert together.snakemake(*words("small")).returncode == 0, "nothing to be done"
    assert list_locks(Path("results/other"), locks)
    refused = together.snakemake(*words("other"))
    assert refused.returncode != 0 and "cannot be locked" in refused.stderr
    (together.folder / "go-other").touch()
    assert heads["other"].wait(timeout=300 * PATIENCE) == 0, read(together.folder / "head.log")
    assert not list((locks / "locks").glob("*"))
    for name in seeds:
        result = alone.snakemake(*words(name))
        assert result.returncode == 0, result.stdout + result.stderr
        made, wanted = (read_variables(c.folder / words(name)[-1]) for c in clones)
        assert made == wanted


def test_lammps_ends_with_its_job(clone):
    """The job is killed: the program behind the wrapper does not live on."""
    stub = clone.folder / "lmp"
    stub.rename(clone.folder / "real")
    stub.write_text(f'#!/bin/sh\n{clone.folder}/real "$@" &\necho $! > {clone.folder}/pid\nwait\n')
    stub.chmod(0o755)
    options = ("--cores", "1", "--retries", "0", "--configfile", "small.yaml", "--", PRESSED)
    head = start(clone, *options, STUB_FAULTS="sleep:100@y00/.chain-slurry/")
    wait_for(clone.folder / "fault0")
    claim = clone.folder / "results/small/jobs/manufacture.y00.slurry.json"
    pid = int((clone.folder / "pid").read_text())
    os.kill(json.loads(claim.read_text())["pid"], signal.SIGKILL)
    end = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not Path(f"/proc/{pid}").exists()
    assert head.wait(timeout=100 * PATIENCE) != 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk")
def test_full_disk(clone):
    """It is named, nothing half-written is put in place, and with more room all goes on."""
    results = clone.folder / "results"
    results.mkdir()

    def mount(*options: str) -> int:
        return subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", results]).returncode

    if mount("-o", "size=300k"):
        pytest.skip("no small disk can be made here")
    try:
        full = clone.snakemake("--retries", "0", *OPTIONS)
        assert full.returncode != 0
        said = full.stdout + full.stderr
        assert "the disk or your quota is full (No space left on device): results/small/" in said
        assert [path for path in results.glob("small/manufacture/*/*") if path.is_file()] == []
        assert mount("-o", "remount,size=50m") == 0
        again = clone.snakemake(*OPTIONS)
        assert again.returncode == 0, again.stdout + again.stderr
        with netCDF4.Dataset(clone.folder / PRESSED) as file:
            made = json.loads(file.provenance)
        assert made["slurry"]["attempt"] <= 2
    finally:
        subprocess.run(["umount", "-l", results], check=True)
    again = [f"{stage}/y00" for stage, one in made.items() if one["attempt"] > 1]
    note_fault("the disk is full", "named, complete with more room", count_jobs(again))


HOSTILE = "$(touch pwned) `touch pwned`; touch pwned; 'a'\"b\""


def test_hostile_values_reach_no_shell(clone):
    """As a name of a campaign they are refused, as a program they are one that is not there."""
    clone.configure(campaign={"name": HOSTILE})
    result = clone.snakemake("-n", "--configfile", "small.yaml")
    assert result.returncode != 0
    assert "coatline: error: small.yaml: campaign.name" in result.stderr
    clone.configure(engine={"command": HOSTILE})
    result = clone.snakemake(
        "--cores", "1", "--retries", "0", "--configfile", "small.yaml", "--", PRESSED
    )
    assert result.returncode != 0
    assert "engine.command: no program" in result.stdout + result.stderr
    assert not list(clone.folder.rglob("pwned"))


def test_yaml_that_asks_for_a_program_is_refused(clone):
    clone.append("small.yaml", "\nmaterial: !!python/object/apply:os.system ['touch pwned']\n")
    for command in ("check", "plan --configfile", "status --configfile"):
        result = coatline(clone, *command.split(), "small.yaml")
        assert result.returncode == 2 and result.stderr.count("\n") == 1, result.stderr
    assert clone.snakemake("-n", "--configfile", "small.yaml").returncode != 0
    assert not list(clone.folder.rglob("pwned"))
