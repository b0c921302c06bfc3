"""What all scripts share: threads, log and errors."""

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from coatline.campaign.claims import claim, list_claims
from coatline.campaign.fingerprint import physics_hash
from coatline.campaign.start import VARIABLE, hash_config

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
GIVEN = ("SLURM_JOB_ID", "SLURM_JOB_END_TIME", "CUDA_VISIBLE_DEVICES", "HYDRA_LAUNCHER")
SCRIPT = """
import os, sys
from types import SimpleNamespace
sys.path.insert(0, {scripts!r})
from job import Job
from coatline.errors import InputError
assert not [name for name in ("numpy", "netCDF4", "scipy", "torch") if name in sys.modules]
snakemake = SimpleNamespace(
    log=["job.log"], config={{"resolved": {{}}}}, threads={threads}, rule="press"
)
with Job(snakemake) as job:
    print({{name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}})
    {body}
"""


def run(
    folder: Path, body: str, threads: int = 3, **environment: str
) -> tuple[subprocess.CompletedProcess, str]:
    text = SCRIPT.format(scripts=str(SCRIPTS), body=body, threads=threads)
    own = {name: value for name, value in os.environ.items() if name not in GIVEN}
    result = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=own | {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return result, (folder / "job.log").read_text()


def test_threads_are_set_before_libraries_are_imported(tmp_path):
    result, log = run(tmp_path, "pass")
    assert result.returncode == 0, log
    for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
        assert f"'{library}_NUM_THREADS': '3'" in log
    commit = ", commit [0-9a-f]{12}" if (SCRIPTS.parents[1] / ".git").exists() else ""
    assert re.search(rf"press finished in \S+ s, by coatline \d\S+{commit}", log)
    assert result.stdout == result.stderr == ""


def test_libraries_use_the_threads_of_the_job(tmp_path):
    body = "import numba, torch; print(numba.get_num_threads(), torch.get_num_threads())"
    _, log = run(tmp_path, body, threads=1)
    assert "\n1 1\n" in log


def test_error_for_people_is_one_line_on_the_terminal_and_in_the_log(tmp_path):
    result, log = run(tmp_path, "raise InputError('this is wrong')")
    assert result.returncode == 1
    assert result.stderr == "coatline: error: this is wrong\n"
    assert "coatline: error: this is wrong" in log and "Traceback" not in log


@pytest.mark.parametrize("error", ["ValueError('bug')", "MemoryError()"])
def test_any_other_error_leaves_its_trace_in_the_log(tmp_path, error):
    result, log = run(tmp_path, f"raise {error}")
    assert result.returncode == 1 and result.stderr == ""
    assert "Traceback" in log and error.split("(")[0] in log


@pytest.mark.parametrize("number", ["EDQUOT", "ENOSPC"])
@pytest.mark.parametrize("file", ["'a/b.nc'", "None"])
def test_full_disk_is_named_in_the_words_of_the_system(tmp_path, number, file):
    words = os.strerror(getattr(errno, number))
    result, _ = run(tmp_path, f"import errno; raise OSError(errno.{number}, {words!r}, {file})")
    where = "a/b.nc" if "b" in file else ". and what lies beside it"
    said = f"coatline: error: the disk or your quota is full ({words}): {where}\n"
    assert result.stderr == said


CLAIMING = """
import sys
from types import SimpleNamespace
sys.path.insert(0, "workflow/scripts")
from job import Job
class Files(list):
    pass
snakemake = SimpleNamespace(
    log=["results/small/logs/manufacture/y00.press.log"], config={"resolved": {}}, threads=1,
    rule="press", params=SimpleNamespace(physics="0"), resources={}, input=Files(sys.argv[1:]),
    output=Files(["results/small/manufacture/y00/press.nc"]),
)
with Job(snakemake):
    print("inside")
"""
LOG = "results/small/logs/manufacture/y00.press.log"


def start_claiming(
    folder: Path, *inputs: str, config: dict[str, Any] | None = None
) -> subprocess.Popen:
    """Start a job that claims its results, and whose code is in the folder.

    Args:
        folder: to work in.
        inputs: of the job.
        config: that its campaign was started with; its own if left out.
    """
    shutil.copytree(SCRIPTS.parent, folder / "workflow")
    (folder / LOG).parent.mkdir(parents=True)
    (folder / "results/small/manufacture/y00").mkdir(parents=True, exist_ok=True)
    deck, script = folder / "workflow/lammps/press.lmp", folder / "workflow/scripts/press.py"
    rules = {"press": [physics_hash(decks=[deck], script=script), deck.name]}
    started = json.dumps({"config": hash_config(config or {}), "rules": rules})
    return subprocess.Popen(
        [sys.executable, "-c", CLAIMING, *inputs],
        cwd=folder,
        env=os.environ | {VARIABLE: started},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_code_edited_while_a_job_waits_for_its_claim(tmp_path):
    """It began with the right code, and would go on with another."""
    other = claim(tmp_path / "results/small/jobs/manufacture.y00.press.json", {"rule": "press"})
    job = start_claiming(tmp_path)
    end = time.monotonic() + 60
    while not (tmp_path / LOG).exists() or "who makes the same" not in (tmp_path / LOG).read_text():
        assert time.monotonic() < end and job.poll() is None
        time.sleep(0.1)
    with open(tmp_path / "workflow/lammps/press.lmp", "a") as deck:
        deck.write("\nrun 10\n")
    other.leave("error", "gave up")
    _, said = job.communicate(timeout=60)
    assert "the code behind press was changed while the campaign runs" in said
    assert "inside" not in (tmp_path / LOG).read_text()
    left = list_claims(tmp_path / "results/small")["manufacture.y00.press"]
    assert left["cause"] == "changed" and left["history"] == ["error"]


def test_configuration_edited_before_a_job_reads_it(tmp_path):
    """On a cluster each job reads the files of configuration for itself."""
    _, said = start_claiming(tmp_path, config={"seed": 1}).communicate(timeout=60)
    wanted = "the configuration was changed while the campaign runs: nothing was mixed; let this"
    assert wanted in said and "inside" not in (tmp_path / LOG).read_text()
    assert list_claims(tmp_path / "results/small") == {}


def test_input_that_the_disk_does_not_give_stays(tmp_path):
    """It may be sound: only what can be read and is damaged is removed."""
    state = tmp_path / "results/small/manufacture/y00/dried.data.gz"
    state.mkdir(parents=True)  # which nobody can read as a file
    job = start_claiming(tmp_path, str(state.relative_to(tmp_path)))
    _, said = job.communicate(timeout=60)
    assert "dried.data.gz: cannot be read (Is a directory)" in said and "removed" not in said
    assert state.is_dir()


@pytest.mark.parametrize(
    ("environment", "seen"),
    [
        ({}, None),
        ({"SLURM_JOB_ID": "7"}, ""),
        ({"SLURM_JOB_ID": "7", "CUDA_VISIBLE_DEVICES": "1"}, "1"),
    ],
    ids=["without SLURM", "none given", "one given"],
)
def test_a_gpu_that_slurm_has_not_given_is_not_used(tmp_path, environment, seen):
    _, log = run(
        tmp_path, "print('GPU', repr(os.environ.get('CUDA_VISIBLE_DEVICES')))", **environment
    )
    assert f"GPU {seen!r}\n" in log


def test_ranks_are_not_started_through_srun(tmp_path):
    """The job is a step of srun's: MPICH's own launcher would start another and wait for ever."""
    _, log = run(tmp_path, "print('launcher', os.environ['HYDRA_LAUNCHER'])", SLURM_JOB_ID="7")
    assert "launcher fork\n" in log
