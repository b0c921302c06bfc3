# The plan of the campaign, the paths, and the values that rules may ask of it.

import functools
import gc
import inspect
import os
import sys
from pathlib import Path

# The code of this clone, here and in all jobs, whatever else is installed.
SOURCE = Path(workflow.basedir) / "src"
sys.path.insert(0, str(SOURCE))
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [str(SOURCE), os.getenv("PYTHONPATH")])))

try:
    from coatline.yaml_file import read_yaml
    from coatline.campaign.causes import list_logs
    from coatline.campaign.claims import FOLDER
    from coatline.campaign.cost import ask_again, ask_for, count_ranks, limit
    from coatline.campaign.fingerprint import physics_hash
    from coatline.campaign.given import check_carried, merge_given, restore_types
    from coatline.campaign.plan import make_plan
    from coatline.errors import CoatlineError
    from coatline.optimise.ledger import find_history
except ModuleNotFoundError as error:
    print(
        f"coatline: error: there is no {error.name} for {sys.executable}; install what "
        "envs/requirements.lock lists, as make demo does",
        file=sys.stderr,
    )
    sys.exit(2)

gc.set_threshold(100_000)  # all that a graph of many jobs is made of lives long

CACHE = Path(".snakemake") / "coatline"
WORKFLOW = Path(workflow.basedir) / "workflow"


def resolve_plan():
    """Check the configuration; what is wrong with it is one line, and no job is run."""
    files = [os.path.relpath(file) for file in workflow.configfiles]
    try:
        for file in files:  # Snakemake passes over a key that stands there twice
            read_yaml(Path(file))
        check_carried(
            {
                "the folder": [os.getcwd()],
                "the Snakefile": [str(workflow.main_snakefile)],
                "--config": list(workflow.config_settings.config_args or []),
            }
        )
        given = restore_types(workflow.config_settings.config)
        plan = make_plan(merge_given(config, given), files[-1], cache=CACHE)
        find_history(plan.ledger, plan.rounds, plan.batch)
        if workflow.is_main_process:
            plan.check_dataset()
        return plan
    except CoatlineError as error:
        print(f"coatline: error: {error}", file=sys.stderr)
        sys.exit(2)


plan = resolve_plan()
config["resolved"] = plan.describe()


pathvars:
    results=plan.folder.as_posix(),
    logs=f"{plan.folder.as_posix()}/logs",
    benchmarks=f"{plan.folder.as_posix()}/benchmarks",


def recipe_of(slurry):
    """The recipe of a slurry of the design or of choice, %; none where it is known late."""
    if slurry in late_recipes:
        return None
    row = plan.find_slurry(slurry)
    return {"active_material": row.active_material, "solid_content": row.solid_content}


def chosen_recipes():
    """Recipes of choice by sample, %."""
    names = ("active_material", "solid_content", "compression_rate")
    return {row.sample: {name: getattr(row, name) for name in names} for row in plan.choice}


def learning(key):
    """A value of the block learn; none where nothing is learned."""
    return plan.learn.model_dump(mode="json")[key] if plan.learn else None


def optimising(key):
    """A value of the block optimise; none where nothing is optimised."""
    return plan.optimise.model_dump(mode="json")[key] if plan.optimise else None


def study():
    """What an optimum is sought with, as plain values."""
    return {
        "properties": plan.properties,
        "edges": plan.box,
        "fixed": plan.fixed,
        "goals": optimising("goals"),
        "weights": optimising("weights"),
        "kind": optimising("surrogate"),
    }


# Script → hash of its physics, and its decks: what jobs compare with.
hashes = {}


def physics(script, *decks):
    """Hash of the code and the decks that a rule depends on, but for comments and docstrings."""
    value = physics_hash(
        decks=[WORKFLOW / "lammps" / deck for deck in decks],
        script=WORKFLOW / "scripts" / f"{script}.py",
        store=CACHE / "fingerprints.json",
    )
    hashes[script] = [value, *decks]
    return value


def expected():
    """What a given dataset must have been made with for electrodes made here to stand beside it."""
    settings = {"material": plan.material.name}
    beside = plan.dataset and (rounds or made_samples())
    return settings | (plan.settings if beside else {})


def keep(values, *names):
    """Those of a mapping's values that a rule uses."""
    return {name: values[name] for name in names}


def with_signature(function):
    """The function with its signature at hand, which Snakemake looks at for every job."""
    function.__signature__ = inspect.signature(function)
    return function


# Processes that an electrode runs on, and the names of jobs as their claims have them.
ranks = count_ranks(plan)
job_names = {
    "slurry": "manufacture.{slurry}.slurry",
    "dry": "manufacture.{slurry}.dry",
    "press": "manufacture.{slurry}.press",
    "calender": "manufacture.{sample}.calender",
    "measure": "measure.{sample}",
    "fit": "learn.fit",
    "validate": "learn.validate",
    "sensitivity": "learn.sensitivity",
    "optimum": "optimise.optimum",
    "uncertainty": "optimise.uncertainty",
    "front": "optimise.front",
    "draw_pictures": "report.pictures",
}

# Jobs that an earlier run has left unfinished: of others no file is read.
left = {path.stem for path in (plan.folder / FOLDER).glob("*.json")}
find_logs = functools.cache(list_logs)
first_request = functools.cache(functools.partial(ask_for, plan))


SHARING = "COATLINE_SHARING"  # environment variable: tells jobs of the groups, as nothing else does


def count_sharing(name):
    """Jobs in the SLURM job of one of this kind, more than one where the profile has `groups`."""
    pair = ("calender", "measure")
    if name not in pair:
        return 1
    if not workflow.is_main_process:
        return int(os.environ.get(SHARING, 1))
    groups = {workflow.get_rule(one).group for one in pair}
    return len(pair) if len(groups) == 1 and groups != {None} else 1


def within(kind, value):
    """Memory (mem_mb) or time (runtime) within the limits of the cluster."""
    return limit(plan, kind, value)


def request(rule, kind, first=None):
    """Memory (mem_mb) or time (runtime); more where attempts ran out of it, also in earlier runs.

    By the cost model where nothing is said.
    """
    name = job_names[rule]

    def ask(wildcards, attempt):
        job, sharing = name.format(**wildcards), count_sharing(rule)
        wanted = first_request(rule, sharing)[kind] if first is None else within(kind, first)
        if attempt == 1 and job not in left:
            return wanted
        logs = find_logs() if attempt == 1 else Path(".snakemake")
        return ask_again(plan, kind, wanted, job, logs, sharing)

    return with_signature(ask)
