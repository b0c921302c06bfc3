"""Snakemake's locks of several campaigns in one clone, kept apart.

Snakemake 9.27 removes the locks of all runs in a folder as soon as one of them ends, even one that
had nothing to do, and the folder with them: a run that starts in the same moment then fails. Here
each run removes its own, and `snakemake --unlock` still removes all.
"""

import contextlib
import os
from collections.abc import Callable, Iterable
from typing import Any


def keep_locks_apart(
    persistence: type, taken: Callable[[], None], given_back: Callable[[], None]
) -> None:
    """Let each run in this process remove no locks but its own.

    Args:
        persistence: Snakemake's class that keeps its locks in files; of this process alone.
        taken: called before a run writes its locks.
        given_back: called once it has removed them.
    """
    write, delete = persistence._write_locks, persistence._delete_locks

    def write_own(self: Any, lock_type: str, keys: Iterable[str]) -> None:
        taken()
        os.makedirs(self._lockdir, exist_ok=True)
        write(self, lock_type, keys)

    def delete_own(self: Any) -> None:
        for file in self._lockfile.values():
            with contextlib.suppress(FileNotFoundError):
                os.remove(file)
        self._lockfile.clear()
        given_back()

    persistence._write_locks = write_own
    persistence._delete_locks = delete_own
    persistence.cleanup_locks = delete
