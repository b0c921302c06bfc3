"""The door for people: `coatline COMMAND …`.

Each command is a row of `COMMANDS`; its arguments are plain, and what it runs is imported only
when it runs, so that `coatline --help` and other commands stay quick. Errors of the user's making
are one line on stderr and exit code 2.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from coatline import __version__
from coatline.campaign import cluster_commands as cluster
from coatline.campaign import commands as campaign
from coatline.errors import CoatlineError, InputError
from coatline.manufacture import commands as manufacture
from coatline.report import commands as report


@dataclass(frozen=True)
class Command:
    """A subcommand: what it is for, its arguments, and what it runs (returns the exit code)."""

    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """A parser that raises in place of printing its usage."""

    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message} (see {self.prog} --help)")


def _add_extract(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Measure a labelled 3D image: volume fractions, interface areas, tortuosity factors and "
        "the solid's conductivity. TIFF pages are z; NPY and netCDF arrays are [x, y, z]."
    )
    parser.add_argument("volume", metavar="VOLUME", help=".tif, .tiff, .npy or .nc file")
    parser.add_argument(
        "--voxel-size", type=float, required=True, metavar="UM", help="edge of a voxel in µm"
    )
    parser.add_argument(
        "--labels",
        required=True,
        metavar="pore=0,am=1,cbd=2",
        help="label of each phase in the file; cbd may be absent",
    )
    parser.add_argument(
        "--axis", choices=("x", "y", "z", "all"), default="z", help="direction of transport (z)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object, not a table")
    parser.add_argument(
        "--conductivity",
        default="am=0.03,cbd=19",
        metavar="am=S,cbd=S",
        help="S/m, of which only the ratio counts (default for NMC111: am=0.03, within 1e-3 to 1; "
        "cbd=19, 5%% of 375 S/m bulk)",
    )
    parser.add_argument(
        "--diffusivity-cbd",
        type=float,
        default=0.05,
        metavar="D",
        help="diffusivity within CBD over that of the pores (0.05)",
    )


def _run_extract(arguments: argparse.Namespace) -> int:
    from coatline.measure.image import (
        format_table,
        measure_image,
        parse_conductivity,
        parse_labels,
        read_labels,
    )

    labels = parse_labels(arguments.labels)
    conductivity = parse_conductivity(arguments.conductivity)
    if not 0 < arguments.voxel_size < float("inf"):
        raise InputError(f"--voxel-size {arguments.voxel_size:g}: must be positive (µm)")
    result = measure_image(
        read_labels(arguments.volume, labels),
        arguments.voxel_size,
        "xyz" if arguments.axis == "all" else arguments.axis,
        conductivity=conductivity,
        cbd_diffusivity=arguments.diffusivity_cbd,
    )
    if arguments.json:
        import json

        print(json.dumps(result, allow_nan=False))
    else:
        print(format_table(result, arguments.volume))
    return 0


COMMANDS: dict[str, Command] = {
    **{name: Command(*row) for name, row in campaign.COMMANDS.items()},
    **{name: Command(*row) for name, row in cluster.COMMANDS.items()},
    "extract": Command("measure a labelled 3D image", _add_extract, _run_extract),
    **{name: Command(*row) for name, row in manufacture.COMMANDS.items()},
    **{name: Command(*row) for name, row in report.COMMANDS.items()},
}
"""Every subcommand by name, in the order of the help."""


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="coatline", description="A simulated electrode coating line.")
    parser.add_argument("--version", action="version", version=f"coatline {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        child = commands.add_parser(name, help=command.help)
        command.add_arguments(child)
        child.set_defaults(run=command.run)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code, 2 for bad input with one line on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    # What follows the first -- of `resume` is for Snakemake, which may have a -- of its own.
    cut = words.index("--") if words[:1] == ["resume"] and "--" in words else len(words)
    try:
        arguments = _build_parser().parse_args(words[:cut])
        arguments.options = words[cut + 1 :]
        return arguments.run(arguments)
    except CoatlineError as error:
        message = str(error)
    except MemoryError:
        message = "not enough memory for this"
    except SystemExit as end:  # --help and --version
        return int(end.code or 0)
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except KeyboardInterrupt:
        message = "interrupted"
        print(f"coatline: {message}", file=sys.stderr)
        return 130
    print(f"coatline: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
