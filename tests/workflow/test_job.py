"""What all scripts share: threads, log and errors."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

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
    assert "press finished in" in log
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


def test_segments_know_when_slurm_will_end_the_job(tmp_path):
    """By SLURM's own word; by the time asked for where an old SLURM says none; else never."""
    body = (
        "import time\n"
        "    snakemake.resources, snakemake.output = {'runtime': 20}, ['here/x.nc']\n"
        "    snakemake.params = SimpleNamespace(physics='')\n"
        "    print('left', round(job.keep().deadline - time.monotonic(), -1))"
    )
    end = str(int(time.time()) + 500)
    for environment, left in (
        ({}, "inf"),
        ({"SLURM_JOB_ID": "7"}, "1200.0"),
        ({"SLURM_JOB_ID": "7", "SLURM_JOB_END_TIME": end}, "500.0"),
    ):
        _, log = run(tmp_path, body, **environment)
        assert f"left {left}\n" in log, log
