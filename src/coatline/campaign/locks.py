"""Snakemake's locks of several campaigns in one clone, kept apart.

Snakemake 9.27 removes the locks of all runs in a folder as soon as one of them ends, even one that
had nothing to do, and the folder with them: a run that starts in the same moment then fails. Here
each run removes its own, and `snakemake --unlock` still removes all.
"""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any


def keep_locks_apart(
    persistence: type, taken: Callable[[], None], given_back: Callable[[], None]
) -> None:
    """Let each run in this process remove no locks but its own.

    Args:
        persistence: Snakemake's class that keeps its locks in files; of this process alone.
        taken: called before a run writes locks; not by one that has nothing to do.
        given_back: called once it has removed them.
    """
    delete = persistence._delete_locks

    def write_own(self: Any, lock_type: str, keys: Iterable[str]) -> None:
        lines = list(keys)
        if not lines:
            return
        taken()
        os.makedirs(self._lockdir, exist_ok=True)
        for number in itertools.count():
            place = os.path.join(self._lockdir, f"{number}.{lock_type}.lock")
            with contextlib.suppress(FileExistsError), open(place, "x") as file:
                self._lockfile[lock_type] = place
                print(*lines, sep="\n", file=file)
                return

    def read_all(self: Any) -> Iterator[tuple[str, str]]:
        for lock_type in ("input", "output"):
            for file in sorted(Path(self._lockdir).glob(f"*.{lock_type}.lock")):
                with contextlib.suppress(FileNotFoundError):  # its run has just ended
                    for line in file.read_text(encoding="utf-8").splitlines():
                        yield lock_type, line.strip()

    def delete_own(self: Any) -> None:
        for file in self._lockfile.values():
            with contextlib.suppress(FileNotFoundError):
                os.remove(file)
        self._lockfile.clear()
        given_back()

    persistence._read_locks = read_all
    persistence._write_locks = write_own
    persistence._delete_locks = delete_own
    persistence.cleanup_locks = delete
