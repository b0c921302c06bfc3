"""Runs a program in a process group of its own, and ends the whole group when its parent is gone.

LAMMPS often stands behind a wrapper or an MPI launcher, which the kernel's own signal at a parent's
death does not pass. The parent holds the other end of standard input: however it ends, this end
closes. Run as `python -I -S guard.py PROGRAM …`; the exit code or the signal is the program's.
"""

import os
import signal
import subprocess
import sys
import threading


def _watch() -> None:
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the command line's program."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_watch, daemon=True).start()
    code = program.wait()
    if code < 0:
        signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
