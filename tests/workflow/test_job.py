"""What all scripts share: threads, log and errors."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow" / "scripts"
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
with Job(snakemake):
    print({{name: value for name, value in os.environ.items() if name.endswith("_NUM_THREADS")}})
    {body}
"""


def run(folder: Path, body: str, threads: int = 3) -> tuple[subprocess.CompletedProcess, str]:
    text = SCRIPT.format(scripts=str(SCRIPTS), body=body, threads=threads)
    result = subprocess.run(
        [sys.executable, "-c", text],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "2", "NUMBA_NUM_THREADS": "2"},
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
