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
    from coatline.campaign.late import name_proposal
    from coatline.campaign.plan import make_plan
    from coatline.design.grid import start_point
    from coatline.errors import CoatlineError
    from coatline.optimise.ledger import find_history, place_recipe
    from coatline.report.contents import TABLES, label_figure, label_table
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
STRUCTURES = "<results>/structures.nc"
if plan.dataset and not plan.optimum_samples:
    STRUCTURES = os.path.relpath(plan.dataset.with_name("structures.nc"))

PICTURES = 400  # electrodes at most of which the page has pictures


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


LEDGER = plan.folder / "optimise" / "ledger.csv"


def resolve_rounds():
    """Samples of each round of the closed loop, and the rounds whose recipes are there already.

    A round that was proposed keeps its recipes, whatever is asked of later ones.
    """
    batch = plan.optimise.batch if plan.optimise else 1
    try:
        past = find_history(LEDGER, plan.rounds, batch)
    except CoatlineError as error:
        print(f"coatline: error: {error}", file=sys.stderr)
        sys.exit(2)
    sizes = {round: past.get(round, batch) for round in plan.rounds}
    rounds = {
        round: [name_proposal(round, number) for number in range(1, size + 1)]
        for round, size in sizes.items()
    }
    return rounds, set(past)


rounds, past_rounds = resolve_rounds()


def open_rounds():
    """Pattern of the rounds that are still to be proposed.

    A job that Snakemake starts in a process of its own may be the one that proposes: all count.
    """
    asked = set(rounds) - (past_rounds if workflow.is_main_process else set())
    return "|".join(map(str, sorted(asked))) or "none"


def datasets_up_to(round=None):
    """The dataset, and the electrodes of the rounds up to one of them; default of all."""
    last = max(rounds, default=0) if round is None else round
    made = [f"<results>/optimise/round{number}/electrodes.nc" for number in range(1, last + 1)]
    return [DATASET, *made]


def proposals():
    """Two-digit numbers of the proposals of a round that is still to be proposed."""
    return [f"{number:02d}" for number in range(1, (optimising("batch") or 1) + 1)]


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
    files = {"dataset": DATASET}
    if has_curves():
        files["curves"] = CURVES
    files["figures"] = all_figures()
    files["page"] = "<results>/report/index.html"
    if plan.learn:
        names = ["surrogates.json", "table1.csv", "sobol.csv"]
        files["learn"] = expand("<results>/learn/{name}", name=names)
    if plan.optimise:
        names = ["optimum.json", "uncertainty.nc", "front.nc"]
        names += ["made.csv"] if made_samples() else []
        names += ["rounds.csv"] if rounds else []
        files["optimise"] = expand("<results>/optimise/{name}", name=names)
    return files


def has_curves():
    """Whether there are calendering curves: of this campaign, or beside a dataset that is given."""
    return bool(plan.curves or not plan.dataset)


def has_structures():
    """Whether there are structures of the optimum: made here, or beside a dataset given."""
    return bool(plan.optimum_samples) or Path(STRUCTURES).is_file()


def find_beside(name):
    """A file beside a dataset that is given; that of this campaign where none is given."""
    if not plan.dataset:
        return f"<results>/{name}"
    file = plan.dataset.with_name(name)
    return os.path.relpath(file) if file.is_file() else None


def keep_known(**files):
    """Those files that there are."""
    return {name: file for name, file in files.items() if file}


def campaign_files():
    """Gathered files on the making of the electrodes, where there are any."""
    return keep_known(
        curves=CURVES if has_curves() else None, provenance=find_beside("provenance.json")
    )


def campaign_figures():
    """Figures that these files allow."""
    more = {"curves": "calendering", "provenance": "cost"}
    return ["profiles", "failures", *(more[name] for name in campaign_files())]


def list_figures():
    """Names of all figures of the campaign."""
    names = ["distributions", "design", *campaign_figures()]
    names += ["validation"] if has_curves() else []
    names += ["regression", "sobol"] if plan.learn else []
    if plan.optimise:
        names += ["dependence", "convergence", "optimum", "extremes", "front"]
        names += ["electrodes"] if has_structures() else []
    return names


def list_tables():
    """Names of all tables of the campaign."""
    if not plan.learn:
        return []
    names = [name for name in TABLES if plan.optimise or name in ("formulas", "table1", "tableS1")]
    return [name for name in names if name != "made" or made_samples()]


def all_figures():
    """Files of all figures, and of all tables."""
    path = "<results>/report/figures/{name}.{ending}"
    tables = expand("<results>/report/tables/{name}.csv", name=list_tables())
    return expand(path, name=list_figures(), ending=["svg", "pdf", "png"]) + tables


def show(path, name, label, category):
    """A file that the report of Snakemake shows, with the caption that the page has."""
    caption = Path.cwd() / plan.folder / "report" / "captions" / f"{name}.rst"
    return report(path, caption=caption.as_posix(), category=category, labels={"shows": label})


def figure_files(*names):
    """Files of figures and their captions."""
    folder = "<results>/report"
    files = {
        "svg": [
            show(f"{folder}/figures/{name}.svg", name, label_figure(name), "Figures")
            for name in names
        ]
    }
    for ending in ("pdf", "png"):
        files[ending] = [f"{folder}/figures/{name}.{ending}" for name in names]
    return files | {"captions": [f"{folder}/captions/{name}.rst" for name in names]}


def table_files():
    """Files of tables and their captions."""
    names = list_tables() or ["formulas"]
    folder = "<results>/report"
    return {
        "tables": [
            show(f"{folder}/tables/{name}.csv", f"table_{name}", label_table(name), "Tables")
            for name in names
        ],
        "captions": [f"{folder}/captions/table_{name}.rst" for name in names],
    }


def made_files():
    """Electrodes made beside the design, where there are any."""
    if not made_samples():
        return {}
    return {"made": "<results>/optimise/made.csv", "films": "<results>/optimise/made.nc"}


def table_sources():
    """Gathered files that tables are made of."""
    files = published_data() | {
        "dataset": DATASET,
        "surrogates": "<results>/learn/surrogates.json",
        "table1": "<results>/learn/table1.csv",
        "tableS1": "<results>/learn/tableS1.csv",
    }
    if plan.optimise:
        files |= made_files()
        files["optimum"] = "<results>/optimise/optimum.json"
        files["uncertainty"] = "<results>/optimise/uncertainty.nc"
    return files | published_campaign()


def published_campaign():
    """The published campaign on the material, where there is one."""
    if not plan.published:
        return {}
    file = plan.published.with_name(f"{plan.published.stem}-campaign.yaml")
    return {"paper": os.path.relpath(file)} if file.is_file() else {}


def states_of_optimum():
    """States of the first electrode made at the optimum, and its recipe; none where none is made."""
    folder = "<results>/manufacture"
    return {
        name: file
        for sample in plan.optimum_samples[:1]
        for name, file in {
            "slurry": f"{folder}/{slurry_of(sample)}/slurry.data.gz",
            "dried": f"{folder}/{slurry_of(sample)}/dried.data.gz",
            "calendered": f"{folder}/{sample}/calendered.data.gz",
            "recipe": "<results>/optimise/optimum_recipe.json",
        }.items()
    }


def pictured():
    """Samples of the design that the page has pictures of: all, or evenly spread ones of many."""
    samples = [row.sample for row in plan.design]
    return samples[:: -(-len(samples) // PICTURES)]


def picture_files():
    """Pictures of electrodes: made here, or in a folder beside a dataset that is given."""
    if not plan.dataset:
        return expand("<results>/electrodes/{sample}.jpg", sample=pictured())
    folder = plan.dataset.with_name("electrodes")
    return [os.path.relpath(file) for file in sorted(folder.glob("*.jpg"))]


def page_sources():
    """All that the page is made of."""
    folder, figures, tables = "<results>/report", list_figures(), list_tables()
    page = SOURCE / "coatline" / "report" / "page"
    docs = Path(workflow.basedir) / "docs"
    files = campaign_files() | published_campaign()
    files |= {
        "dataset": DATASET,
        "figures": [f"{folder}/figures/{name}.svg" for name in figures],
        "captions": [f"{folder}/captions/{name}.rst" for name in figures],
        "tables": [f"{folder}/tables/{name}.csv" for name in tables],
        "notes": [f"{folder}/captions/table_{name}.rst" for name in tables],
        "pictures": picture_files(),
        "parts": [os.path.relpath(file) for file in sorted(page.iterdir())],
        "citation": os.path.relpath(Path(workflow.basedir) / "CITATION.cff"),
        "validation": [
            os.path.relpath(file)
            for file in (docs / "validation.md", *sorted((docs / "validation").glob("*.svg")))
            if file.is_file()
        ],
    }
    if plan.learn:
        files["surrogates"] = "<results>/learn/surrogates.json"
    if plan.optimise:
        files |= made_files()
        files["optimum"] = "<results>/optimise/optimum.json"
        files["front"] = "<results>/optimise/front.nc"
        files |= {"structures": STRUCTURES} if has_structures() else {}
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


def made_with():
    """What electrodes are made with: settings of the configuration, and code."""
    stages = ("slurry", "dry", "press", "calender", "measure")
    return plan.settings | {f"code.{stage}": hashes[stage][0] for stage in stages}


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
