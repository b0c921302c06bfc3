import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from coatline.errors import ConfigError
from coatline.manufacture.engine import Engine, EngineError, PhysicalFailure, run_segment


@pytest.fixture
def fake(tmp_path):
    """An engine that prints what it is told and ends as it is told."""

    def make(text: str, code: int = 0, kill: int = 0) -> Engine:
        program = tmp_path / "fake-lmp"
        program.write_text(
            f"#!{sys.executable}\nimport os, sys\nprint({text!r}, flush=True)\n"
            f"if {kill}: os.kill(os.getpid(), {kill})\nsys.exit({code})\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return Engine(command=str(program))

    return make


def run(engine, tmp_path):
    deck, log = tmp_path / "dry.lmp", tmp_path / "log"
    results, station = run_segment(engine, deck, tmp_path, log, {"dt": 0.1})
    assert station is None
    return results


def test_results_are_read_from_the_output(fake, tmp_path):
    engine = fake("coatline: result thickness 41.5\ncoatline: done")
    assert run(engine, tmp_path) == {"thickness": 41.5}


@pytest.mark.parametrize(
    "line",
    [
        "ERROR: Lost atoms: original 484 current 483 (src/src/thermo.cpp:500)",
        "ERROR on proc 0: Non-numeric atom coords - simulation unstable (src/domain.cpp:1)",
        "coatline: not converged: dried film not at rest",
    ],
)
def test_physical_failures_are_told_apart(fake, tmp_path, line):
    with pytest.raises(PhysicalFailure):
        run(fake(line, 1), tmp_path)


def test_a_result_that_is_no_number_is_a_physical_failure(fake, tmp_path):
    with pytest.raises(PhysicalFailure, match="thickness is nan"):
        run(fake("coatline: result thickness nan\ncoatline: done"), tmp_path)


def test_a_kill_is_no_physics(fake, tmp_path):
    with pytest.raises(EngineError, match=f"killed by signal {signal.SIGKILL.value}"):
        run(fake("half way", kill=signal.SIGKILL), tmp_path)


def test_copies_in_place_of_ranks_are_an_error(fake, tmp_path):
    """A launcher of another MPI starts as many simulations, each alone, into the same files."""
    banner = "LAMMPS (29 Aug 2024)\n"
    with pytest.raises(EngineError, match=r"engine\.launcher: 2 separate LAMMPS"):
        run(fake(f"{banner}{banner}coatline: done\ncoatline: done"), tmp_path)
    assert run(fake(f"{banner}coatline: done"), tmp_path) == {}


@pytest.mark.parametrize(("code", "number"), [(137, 9), (247, 9), (241, 15), (143, 15)])
def test_a_kill_that_a_launcher_passes_on_is_a_kill(fake, tmp_path, code, number):
    with pytest.raises(EngineError, match=f"killed by signal {number};"):
        run(fake("half way", code), tmp_path)


@pytest.mark.parametrize("code", [1, 3, 128, 255])
def test_an_exit_code_is_no_kill(fake, tmp_path, code):
    with pytest.raises(EngineError, match=f"exit code {code}"):
        run(fake("half way", code), tmp_path)


def test_another_error_is_no_physics(fake, tmp_path):
    with pytest.raises(EngineError, match="Unknown command: foo"):
        run(fake("ERROR: Unknown command: foo (src/input.cpp:1)", 1), tmp_path)


def test_silence_is_not_success(fake, tmp_path):
    with pytest.raises(EngineError, match="exit code 0"):
        run(fake("no word of being done"), tmp_path)


def test_a_missing_engine_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"engine\.command: no program 'no-such-lmp'"):
        run(Engine(command="no-such-lmp"), tmp_path)


def test_ranks_go_through_the_launcher():
    words = Engine(command="lmp", launcher="mpiexec -n {threads}", threads=2).words()
    assert os.path.basename(words[0]) == "mpiexec" and words[1:3] == ["-n", "2"]


def test_what_stands_behind_a_wrapper_ends_with_its_job(tmp_path):
    """SIGKILL of the process that runs a deck reaches LAMMPS behind a shell, as behind mpiexec."""
    program = tmp_path / "wrapper"
    program.write_text(f"#!/bin/sh\nsleep 600 &\necho $! > {tmp_path}/pid\nwait\n")
    program.chmod(0o755)
    code = (
        "from pathlib import Path; from coatline.manufacture.engine import Engine, run_segment;"
        f"here = Path({str(tmp_path)!r});"
        f"run_segment(Engine(command={str(program)!r}), here / 'dry.lmp', here, here / 'log', {{}})"
    )
    job = subprocess.Popen([sys.executable, "-c", code])
    wait_until((tmp_path / "pid").exists)
    wait_until(lambda: (tmp_path / "pid").read_text().strip() != "")
    pid = int((tmp_path / "pid").read_text())
    assert is_alive(pid)
    job.kill()
    job.wait()
    wait_until(lambda: not is_alive(pid))


def is_alive(pid):
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] != "Z"


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_own_output_is_read_where_another_log_has_taken_its_place(tmp_path):
    program = tmp_path / "slow"
    log = tmp_path / "log"
    program.write_text(
        f"#!{sys.executable}\nimport os\nos.remove({str(log)!r})\n"
        f"open({str(log)!r}, 'w').write('other')\n"
        "print('coatline: result thickness 3\\ncoatline: done')\n"
    )
    program.chmod(0o755)
    assert run(Engine(command=str(program)), tmp_path) == {"thickness": 3}
