"""Commands for people about a campaign that is to run, runs or was killed: plan, status, resume."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from coatline.campaign.plan import Plan


def add_plan(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `plan`."""
    parser.description = "Say what a campaign will cost, and what of it is done; make nothing."
    parser.add_argument("--configfile", required=True, metavar="CONFIG", help="its configuration")
    parser.add_argument("--cores", type=int, metavar="N", help="cores of one machine (2)")
    parser.add_argument(
        "--profile",
        metavar="PROFILE",
        help="Snakemake profile for SLURM, such as slurm: its jobs, engine and limits",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run_plan(arguments: argparse.Namespace) -> int:
    """Print the forecast.

    Raises:
        ConfigError: what is wrong with the configuration or the profile.
        InputError: there is no core to run on, or both a machine and a profile.
    """
    import json

    from coatline.campaign.forecast import forecast, format_forecast
    from coatline.campaign.given import merge_given
    from coatline.campaign.plan import make_plan
    from coatline.campaign.profile import read_profile
    from coatline.errors import InputError
    from coatline.yaml_file import read_yaml

    cores = 2 if arguments.cores is None else arguments.cores
    if cores < 1:
        raise InputError(f"--cores {cores}: must be at least 1")
    if arguments.profile and arguments.cores is not None:
        raise InputError("--cores: not together with --profile, which says how many jobs run")
    profile = read_profile(arguments.profile) if arguments.profile else None
    path = Path(arguments.configfile)
    given = merge_given(read_yaml(path), profile.given if profile else {})
    plan = make_plan(given, str(path), cache=Path(".snakemake") / "coatline")
    _warn_of_folder(plan)
    result = forecast(plan, cores, profile=profile)
    print(json.dumps(result.describe()) if arguments.json else format_forecast(result))
    return 0


def _warn_of_folder(plan: "Plan") -> None:
    """Say where results were looked for, if there are none and this may be the wrong folder."""
    if not plan.folder.exists() and not Path("Snakefile").exists():
        print(
            f"coatline: note: there is no {plan.folder} in {Path.cwd()}; results are looked for "
            "in the folder that Snakemake runs in, the top of the clone",
            file=sys.stderr,
        )


REFRESH = 30
"""Seconds after which a page of progress loads itself again, where nothing else is said."""


def add_status(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `status`."""
    parser.description = "Show how far a campaign is, what runs and what failed, from its files."
    parser.add_argument("--configfile", required=True, metavar="CONFIG", help="its configuration")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--html", metavar="FILE", help="write a page that loads itself again, and print nothing"
    )
    parser.add_argument(
        "--every",
        type=int,
        metavar="SECONDS",
        help="with --html: write it again so often, until the campaign is done",
    )


def run_status(arguments: argparse.Namespace) -> int:
    """Print the progress, or write it as a page.

    Raises:
        ConfigError: what is wrong with the configuration.
        InputError: options that do not go together, or the page cannot be written.
    """
    import json
    import time

    from coatline.campaign.plan import make_plan
    from coatline.campaign.progress import format_progress, look_at
    from coatline.campaign.progress_page import is_over, write_page
    from coatline.errors import InputError
    from coatline.yaml_file import read_yaml

    if arguments.every is not None and (not arguments.html or arguments.every < 1):
        raise InputError("--every: needs --html, and a whole number of seconds above 0")
    if arguments.html and arguments.json:
        raise InputError("--html: not together with --json")
    path = Path(arguments.configfile)
    plan = make_plan(read_yaml(path), str(path), cache=Path(".snakemake") / "coatline")
    _warn_of_folder(plan)
    result = look_at(plan)
    if arguments.html:
        write_page(result, Path(arguments.html), arguments.every or REFRESH)
        while arguments.every and not is_over(result):
            time.sleep(arguments.every)
            result = look_at(plan)
            write_page(result, Path(arguments.html), arguments.every)
        return 0
    print(json.dumps(result.describe()) if arguments.json else format_progress(result))
    return 0


def add_resume(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `resume`."""
    parser.usage = "coatline resume [-h] [--cancel] [CAMPAIGN] [-- OPTION ...]"
    parser.description = (
        "Take up a campaign whose Snakemake was killed: wait for the jobs it left, unlock, go on "
        "with the options that it had, or with those given after --."
    )
    parser.add_argument(
        "name", nargs="?", metavar="CAMPAIGN", help="its name, if there are several"
    )
    parser.add_argument("--cancel", action="store_true", help="end the jobs that are left")


def run_resume(arguments: argparse.Namespace) -> int:
    """Take it up; Snakemake's exit code.

    Raises:
        CoatlineError: it cannot be taken up now, and why.
    """
    from coatline.campaign.resume import find_campaign, resume

    def say(line: str) -> None:
        print(f"coatline: {line}", file=sys.stderr, flush=True)

    campaign = find_campaign(arguments.name)
    return resume(campaign, arguments.cancel, list(arguments.options), say)


def add_ship(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `ship`."""
    parser.description = (
        "Copy what a finished campaign has brought into a folder to hand on: dataset, design, "
        "curves, provenance without names of machines, structures, pictures."
    )
    parser.add_argument("folder", metavar="FOLDER", help="folder to write")
    parser.add_argument("--configfile", required=True, metavar="CONFIG", help="its configuration")


def run_ship(arguments: argparse.Namespace) -> int:
    """Copy it, and say how much it is.

    Raises:
        ConfigError: what is wrong with the configuration.
        InputError: the campaign is not finished.
    """
    from coatline.campaign.plan import make_plan
    from coatline.campaign.ship import ship_campaign
    from coatline.yaml_file import read_yaml

    path = Path(arguments.configfile)
    plan = make_plan(read_yaml(path), str(path), cache=Path(".snakemake") / "coatline")
    written = ship_campaign(plan, Path(arguments.folder))
    size = sum(file.stat().st_size for file in written) / 1e6
    print(f"{arguments.folder}: {len(written)} files, {size:.1f} MB")
    if plan.rounds:
        print(
            "coatline: note: the electrodes of rounds are not in it; what is learned from it is "
            "learned from the design alone, and its optimum may be another",
            file=sys.stderr,
        )
    return 0


COMMANDS: dict[
    str,
    tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]],
] = {
    "plan": ("say what a campaign will cost", add_plan, run_plan),
    "status": ("show how far a campaign is", add_status, run_status),
    "resume": ("take up a campaign whose Snakemake was killed", add_resume, run_resume),
    "ship": ("copy a finished campaign into a folder to hand on", add_ship, run_ship),
}
"""Name → what for, arguments, what it runs."""
