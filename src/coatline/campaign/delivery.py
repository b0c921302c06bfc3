"""Delivery of results: made in a folder of the attempt, proven whole, then put in place at once.

A reader never meets half a file, and what a killed job leaves is in a folder of its own. What the
files held is written down beside them, so that whoever takes them up can tell when one is damaged.
"""

import copy
import errno
import gzip
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from coatline.errors import CoatlineError

CLASSIC = b"CDF"
HDF5 = b"\x89HDF\r\n\x1a\n"
FULL = 1 << 16
"""Free bytes below which a disk counts as full."""


class DamagedFile(CoatlineError):
    """A result that is missing, cut off or changed; says which."""


class UnreadableFile(CoatlineError):
    """A result that the file system does not give; it may be sound, and stays where it is."""


class Delivery:
    """The outputs of one attempt of a job, on their way.

    Args:
        outputs: where they belong.
        name: name of the job, unique in the campaign.
        token: of the attempt.
    """

    def __init__(self, outputs: Iterable[str], name: str, token: str) -> None:
        self._name = name
        self.places = {
            str(output): Path(output).parent / f".attempt-{name}-{token}" / Path(output).name
            for output in outputs
        }

    def prepare(self, sweep: bool = True) -> None:
        """Make the folders of the attempt.

        Args:
            sweep: remove those of dead attempts of the same job; lists the folders of the outputs,
                which takes its time where thousands of results lie in one.
        """
        for folder in {Path(output).parent for output in self.places} if sweep else ():
            for old in folder.glob(f".attempt-{self._name}-*"):
                shutil.rmtree(old, ignore_errors=True)
        for place in self.places.values():
            place.parent.mkdir(parents=True, exist_ok=True)

    def redirect(self, files: Any) -> Any:
        """A copy of Snakemake's list of outputs that names the places in the attempt's folder."""
        moved = copy.copy(files)
        moved[:] = [str(self.places[str(file)]) for file in files]
        for name, value in list(vars(files).items()):
            if name.startswith("_"):
                continue
            if isinstance(value, str) and value in self.places:
                setattr(moved, name, str(self.places[value]))
            elif isinstance(value, list):
                setattr(moved, name, self.redirect(value))
        return moved

    def publish(self, sources: Iterable[str] = ()) -> list[str]:
        """Prove all outputs whole and put them in place.

        Args:
            sources: the inputs they were made from.

        Returns:
            Lines for the log on what was odd.

        Raises:
            DamagedFile: an output is missing or not whole; none is put in place.
            OSError: the disk is full or broken; none is put in place.
        """
        for output, place in self.places.items():
            if is_full(place.parent):  # not all programs notice that a write has failed
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), output)
            check_whole(place, f"{output} was not made whole")
            _sync(place)
        notes = []
        newest = max((_touched(Path(file)) for file in sources), default=0)
        for output, place in self.places.items():
            os.replace(place, output)
            behind = newest - _touched(Path(output))
            if behind > 0:  # a clock that is behind must not make the result look out of date
                notes.append(
                    f"clock behind by {behind / 1e9:.3g} s: {output} takes its input's time"
                )
                os.utime(output, ns=(time.time_ns(), newest))
        self.sweep()
        return notes

    def sweep(self) -> None:
        """Remove the folders of the attempt."""
        for folder in {place.parent for place in self.places.values()}:
            shutil.rmtree(folder, ignore_errors=True)


def _touched(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def is_full(folder: Path) -> bool:
    """Whether the disk that a folder lies on has no room left."""
    return shutil.disk_usage(folder).free < FULL


def _sync(path: Path) -> None:
    """Have the file system say now if it could not keep what was written."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def check_whole(path: Path, what: str = "") -> None:
    """Check that a result can be read to its end; an empty state or table says that there is none.

    Args:
        path: netCDF, gzip, JSON or any other file.
        what: how a damaged file is spoken of; its path where left out.

    Raises:
        DamagedFile: it is missing, cut off or no file of its kind.
        UnreadableFile: the file system does not give it.
    """
    what = what or str(path)
    try:
        size = path.stat().st_size
        if size == 0 and path.suffix not in (".nc", ".json"):
            return
        if path.suffix == ".nc":
            _read_netcdf(path)
        elif path.suffix == ".gz":
            with gzip.open(path) as file:
                while file.read(1 << 20):
                    pass
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedFile(f"{what}: there is no such file") from None
    except (EOFError, ValueError, RuntimeError, OSError) as error:
        _digest_readable(path, what)  # libraries call a disk that fails a damaged file
        raise DamagedFile(f"{what}: damaged ({error})") from None


def _read_netcdf(path: Path) -> None:
    import netCDF4

    with open(path, "rb") as file:
        head = file.read(8)
    if not head.startswith((CLASSIC, HDF5)):
        raise ValueError("is no netCDF file")
    with netCDF4.Dataset(path) as file:
        for variable in file.variables.values():
            variable[...]


def digest(path: Path) -> list[Any]:
    """Size and SHA-256 of a file."""
    total = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return [path.stat().st_size, total.hexdigest()]


def _digest_readable(path: Path, what: str) -> list[Any]:
    try:
        return digest(path)
    except FileNotFoundError:
        raise DamagedFile(f"{what}: there is no such file") from None
    except OSError as error:
        words = "the fault is the disk's or the network's, and the file is left as it is"
        raise UnreadableFile(f"{what}: cannot be read ({error.strerror}); {words}") from None


def check_inputs(files: Iterable[str], said: Mapping[str, Mapping[str, Any]]) -> None:
    """Check a job's inputs before it takes them up.

    Args:
        files: the inputs.
        said: name → size and digest, for each folder, as the records in it say.

    Raises:
        DamagedFile: the first that is missing, cut off, or not what was made.
        UnreadableFile: the first that the file system does not give.
    """
    for file in files:
        path = Path(file)
        check_whole(path)
        known = said.get(str(path.parent), {}).get(path.name)
        if known is not None and list(known) != _digest_readable(path, str(path)):
            raise DamagedFile(f"{path}: damaged (not the bytes that were made)")
