# The files of the campaign, and what rules take of them. `coatline plan` reads this file, and the
# inputs and outputs of all rules, without Snakemake: of that there are `expand`, `unpack`,
# `report` and `workflow.is_main_process` here, and nothing else.

import os
from pathlib import Path

from coatline.campaign.config.load import ROOT
from coatline.campaign.late import name_proposal
from coatline.design.grid import start_point
from coatline.optimise.ledger import find_history, place_recipe
from coatline.report.contents import TABLES, label_figure, label_table

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


def resolve_rounds():
    """Samples of each round of the closed loop, and the rounds whose recipes are there already.

    A round that was proposed keeps its recipes, whatever is asked of later ones.
    """
    past = find_history(plan.ledger, plan.rounds, plan.batch)
    sizes = {round: past.get(round, plan.batch) for round in plan.rounds}
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
    return [f"{number:02d}" for number in range(1, plan.batch + 1)]


def made_samples():
    """Samples made beside the design: at the optimum, and at recipes of choice."""
    return [*plan.optimum_samples, *(row.sample for row in plan.choice)]


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
    names = ["profiles", "failures", *(more[name] for name in campaign_files())]
    return [*names, "validation"] if has_curves() else names


def list_figures():
    """Names of all figures of the campaign."""
    names = ["distributions", "design", *campaign_figures()]
    names += ["regression", "sobol"] if plan.learn else []
    if plan.optimise:
        names += ["dependence", "convergence", "optimum", "extremes", "front"]
        names += ["electrodes"] if has_structures() else []
    return names


def list_tables():
    """Names of all tables of the campaign."""
    if not plan.learn:
        return []
    first = ("formulas", "signal", "table1", "tableS1")
    names = [name for name in TABLES if plan.optimise or name in first]
    needed = {"made": made_files(), "claims": published_campaign()}
    return [name for name in names if needed.get(name, True)]


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
    """Electrodes made beside the design, where there are any; those beside a dataset given, else."""
    if not made_samples():
        if not plan.dataset:
            return {}
        return keep_known(made=find_beside("made.csv"), films=find_beside("made.nc"))
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
    page = ROOT / "src" / "coatline" / "report" / "page"
    docs = ROOT / "docs"
    files = campaign_files() | published_campaign()
    files |= {
        "dataset": DATASET,
        "figures": [f"{folder}/figures/{name}.svg" for name in figures],
        "captions": [f"{folder}/captions/{name}.rst" for name in figures],
        "tables": [f"{folder}/tables/{name}.csv" for name in tables],
        "notes": [f"{folder}/captions/table_{name}.rst" for name in tables],
        "pictures": picture_files(),
        "parts": [os.path.relpath(file) for file in sorted(page.iterdir())],
        "citation": os.path.relpath(ROOT / "CITATION.cff"),
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
