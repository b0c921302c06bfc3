"""Commands for people about campaigns: check a configuration, show its schema, show a dataset.

Each is a row of `COMMANDS`: what it is for, its arguments, and what it runs.
"""

import argparse
from collections.abc import Callable
from pathlib import Path


def add_check(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `check`."""
    parser.description = "Check a configuration, its material and its design; make nothing."
    parser.add_argument("config", metavar="CONFIG", help="configuration, such as config/demo.yaml")


def run_check(arguments: argparse.Namespace) -> int:
    """Check a configuration and say what it would make.

    Raises:
        ConfigError: what is wrong with it.
    """
    from coatline.campaign.plan import make_plan
    from coatline.learn.measurements import LEAST_SAMPLES, LEAST_SLURRIES
    from coatline.yaml_file import read_yaml

    path = Path(arguments.config)
    plan = make_plan(read_yaml(path), str(path), cache=Path(".snakemake") / "coatline")
    plan.check_dataset()
    electrode, slurries = plan.config.electrode, len(plan.design.slurries)
    print(
        f"{path}: correct\n"
        f"  campaign  {plan.config.campaign.name}, results in {plan.folder}/\n"
        f"  design    {plan.config.design.kind}: {_count(len(plan.design), 'electrode')} from "
        f"{_count(slurries, 'slurry', 'slurries')}, each pressed once to "
        f"{plan.upper_compression:g} %\n"
        f"  electrode {electrode.solid_mass:g} µg of {plan.material.name}, "
        f"{electrode.side:.1f} µm wide"
    )
    if plan.dataset:
        print(f"  dataset   {plan.dataset}: no electrode of the design is made")
    if plan.learn:
        print(f"  learn     {', '.join(plan.properties)}")
    if plan.optimise:
        count = len(plan.optimum_samples) + len(plan.choice)
        batch = sum(map(len, plan.rounds.values()))
        print(
            f"  optimise  {plan.optimise.calls} calls; {_count(count, 'electrode')} at the optimum "
            f"and at recipes of choice, {batch} in {_count(len(plan.rounds), 'round')}"
        )
    few = not plan.dataset and (len(plan.design) < LEAST_SAMPLES or slurries < LEAST_SLURRIES)
    if few and (plan.learn or plan.optimise):
        print(
            f"  note      nothing can be learned from fewer than {LEAST_SAMPLES} electrodes of "
            f"{LEAST_SLURRIES} slurries"
        )
    return 0


def _count(number: int, one: str, many: str = "") -> str:
    """A number of things in words."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def add_schema(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `schema`."""
    parser.description = "Print the JSON schema of the configuration: keys, units, ranges."


def run_schema(arguments: argparse.Namespace) -> int:
    """Print the schema."""
    from coatline.campaign.schema import make_schema

    print(make_schema(), end="")
    return 0


def add_summary(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `summary`."""
    parser.description = "Show a dataset as a table, and where the files of its campaign lie."
    parser.add_argument("dataset", metavar="DATASET", help="results/<campaign>/dataset.nc")
    parser.add_argument("--all", action="store_true", help="all samples, however many")


def run_summary(arguments: argparse.Namespace) -> int:
    """Print the table.

    Raises:
        InputError: the file cannot be read as a dataset.
    """
    from coatline.campaign.summary import format_summary

    print(format_summary(Path(arguments.dataset), arguments.all))
    return 0


COMMANDS: dict[
    str,
    tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]],
] = {
    "check": ("check a configuration", add_check, run_check),
    "schema": ("print the schema of the configuration", add_schema, run_schema),
    "summary": ("show a dataset as a table", add_summary, run_summary),
}
"""Name → what for, arguments, what it runs."""
