"""Commands for people about manufacture: the force-field files of a material, for decks by hand."""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_forcefield(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `forcefield`."""
    parser.description = (
        "Write the force-field files that the decks in workflow/lammps include, one folder for the "
        "slurry and one for the dried film, so that a deck can be run by hand."
    )
    parser.add_argument("material", metavar="MATERIAL", help="config/materials/nmc111.yaml")
    parser.add_argument(
        "-o", "--output", required=True, metavar="FOLDER", help="folder to write into"
    )
    parser.add_argument("--name", default="default", help="force field of the material (default)")
    parser.add_argument(
        "--record",
        metavar="FILE",
        help="record of the film, e.g. slurry.nc; a Lennard-Jones force field goes by the sizes of "
        "its particles",
    )


def run_forcefield(arguments: argparse.Namespace) -> int:
    """Write the files.

    Raises:
        ConfigError: the material cannot be read, or has no such force field.
        InputError: the force field needs a record, and there is none or it cannot be read.
    """
    from coatline.manufacture.forcefield import write_force_field
    from coatline.manufacture.record import read_results, read_status
    from coatline.manufacture.stages import sizes_of
    from coatline.material import load_material

    stages = load_material(Path(arguments.material)).force_field(arguments.name)
    folder = Path(arguments.output)
    sizes = None
    if arguments.record:
        read_status(Path(arguments.record))
        sizes = sizes_of(read_results(Path(arguments.record)))
    write_force_field(folder / "slurry", stages["slurry"], sizes=sizes, liquid=True)
    write_force_field(folder / "dried", stages["dried"], wet=stages["slurry"], sizes=sizes)
    print(f"{folder / 'slurry'}\n{folder / 'dried'}")
    return 0


COMMANDS: dict[
    str,
    tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]],
] = {
    "forcefield": ("write a material's LAMMPS force-field files", add_forcefield, run_forcefield),
}
"""Name → what for, arguments, what it runs."""
