# The plan of the campaign, the paths, and what rules may ask of them.

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
    from coatline.campaign.cost import ask_again, ask_for, count_ranks
    from coatline.campaign.fingerprint import physics_hash
    from coatline.campaign.plan import make_plan
    from coatline.design.grid import start_point
    from coatline.errors import CoatlineError
except ModuleNotFoundError as error:
    print(
        f"coatline: error: there is no {error.name} for {sys.executable}; install what "
        "envs/requirements.lock lists, as make demo does",
        file=sys.stderr,
    )
    sys.exit(2)

CACHE = Path(".snakemake") / "coatline"
WORKFLOW = Path(workflow.basedir) / "workflow"


def resolve_plan():
    """Check the configuration; what is wrong with it is one line, and no job is run."""
    files = [os.path.relpath(file) for file in workflow.configfiles]
    try:
        for file in files:  # Snakemake passes over a key that stands there twice
            read_yaml(Path(file))
        return make_plan(config, files[-1], cache=CACHE)
    except CoatlineError as error:
        print(f"coatline: error: {error}", file=sys.stderr)
        sys.exit(2)


plan = resolve_plan()
config["resolved"] = plan.describe()


pathvars:
    results=plan.folder.as_posix(),
    logs=f"{plan.folder.as_posix()}/logs",
    benchmarks=f"{plan.folder.as_posix()}/benchmarks",


# The dataset that all later parts start from: the campaign's own, or one that is given.
DATASET = os.path.relpath(plan.dataset) if plan.dataset else "<results>/dataset.nc"
CURVES = os.path.relpath(plan.curves) if plan.curves else "<results>/calendering_curves.nc"


# A letter for where the recipe comes from, the number of the slurry and of its replicate above 0,
# the number of the compression.
wildcard_constraints:
    slurry=r"[a-z]\d+(?:r\d+)?",
    sample=r"[a-z]\d+(?:r\d+)?c\d+",
    chunk=r"\d+",
    round=r"\d+",


# Recipes that are known only while a campaign runs, such as an optimum: id of the slurry or sample,
# and the JSON file that will hold its recipe. The rules are the same as for the design.
late_recipes = {}


def find_recipe(id):
    """The file of a recipe that is known late; nothing for the design's own."""
    return {"recipe": late_recipes[id]} if id in late_recipes else {}


def recipe_of(slurry):
    """The recipe of a slurry of the design or of choice, %; none where it is known late."""
    if slurry in late_recipes:
        return None
    row = plan.find_slurry(slurry)
    return {"active_material": row.active_material, "solid_content": row.solid_content}


def compression_of(sample):
    """The compression rate of a sample of the design or of choice, %; none where it is late."""
    return None if sample in late_recipes else plan.find_sample(sample).compression_rate


def slurry_of(sample):
    """Id of the slurry that a sample is made from."""
    return sample.partition("c")[0]


def grid_states_of(sample):
    """The state of pressing that a sample starts from; all of them where its recipe is late."""
    if sample in late_recipes:
        points = plan.grid
    else:
        points = [f"{start_point(compression_of(sample)):02d}"]
    folder = f"<results>/manufacture/{slurry_of(sample)}"
    return [f"{folder}/grid{point}.restart" for point in points]


def datasets_up_to(round=None):
    """The dataset, and the electrodes of the rounds up to one of them; default of all."""
    last = max(plan.rounds, default=0) if round is None else round
    rounds = [f"<results>/optimise/round{number}/electrodes.nc" for number in range(1, last + 1)]
    return [DATASET, *rounds]


def proposals():
    """Two-digit numbers of the proposals of a round."""
    return [f"{number:02d}" for number in range(1, len(plan.rounds.get(1, [])) + 1)]


def made_samples():
    """Samples made beside the design: at the optimum, and at recipes of choice."""
    return [*plan.optimum_samples, *(row.sample for row in plan.choice)]


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


def final_files():
    """What a plain `snakemake` makes, by what it is for."""
    figures = ["distributions", "design"]
    files = {"dataset": DATASET}
    if plan.curves or not plan.dataset:
        files["curves"] = CURVES
        figures.append("validation")
    files["figures"] = expand(
        "<results>/report/figures/{figure}.{format}", figure=figures, format=["svg", "pdf", "png"]
    )
    if plan.learn:
        names = ["surrogates.json", "table1.csv", "sobol.csv"]
        files["learn"] = expand("<results>/learn/{name}", name=names)
    if plan.optimise:
        names = ["optimum.json", "uncertainty.nc", "front.nc"]
        names += ["made.csv"] if made_samples() else []
        names += ["rounds.csv"] if plan.rounds else []
        files["optimise"] = expand("<results>/optimise/{name}", name=names)
    return files


def frames_of_press():
    """The frames along pressing, where the configuration asks for them."""
    asked = plan.config.manufacture.pressing.frame_spacing is not None
    return {"frames": "<results>/manufacture/{slurry}/frames.dump.gz"} if asked else {}


def published_data():
    """The file of published data on the material, where there is one."""
    return {"published": os.path.relpath(plan.published)} if plan.published else {}


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


def keep(values, *names):
    """Those of a mapping's values that a rule uses."""
    return {name: values[name] for name in names}


def with_signature(function):
    """The function with its signature at hand, which Snakemake looks at for every job."""
    function.__signature__ = inspect.signature(function)
    return function


def escalate(first):
    """More of a resource at each attempt."""
    return with_signature(lambda wildcards, attempt: first * attempt)


# Processes that an electrode runs on, and the names of jobs as their claims have them.
ranks = count_ranks(plan)
job_names = {
    "slurry": "manufacture.{slurry}.slurry",
    "dry": "manufacture.{slurry}.dry",
    "press": "manufacture.{slurry}.press",
    "calender": "manufacture.{sample}.calender",
    "measure": "measure.{sample}",
}


def request(rule, kind):
    """Memory (mem_mb) or time (runtime) by the cost model; more where an attempt ran out of it."""
    first, name = ask_for(plan, rule)[kind], job_names[rule]

    def ask(wildcards, attempt):
        if attempt == 1:
            return first
        return ask_again(plan, kind, first, name.format(**wildcards))

    return with_signature(ask)
