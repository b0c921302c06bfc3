"""Figures and tables of a campaign from its gathered files, as its rules ask for them."""

from collections.abc import Mapping
from pathlib import Path

from coatline.measure.curves import read_curves
from coatline.measure.dataset import read_table
from coatline.report.campaign_figures import (
    draw_calendering,
    draw_cost,
    draw_failures,
    draw_profiles,
)
from coatline.report.claims import tabulate_claims, tabulate_signal
from coatline.report.drawing import Drawing
from coatline.report.films import assemble_campaign
from coatline.report.gathered import (
    read_arrays,
    read_best,
    read_electrodes,
    read_json,
    read_made,
    read_rows,
)
from coatline.report.learning_figures import draw_regression, draw_sobol
from coatline.report.optimum_figures import (
    draw_convergence,
    draw_dependence,
    draw_extremes,
    draw_front,
    draw_optimum,
)
from coatline.report.paper import load_paper
from coatline.report.published import load_published
from coatline.report.sheets import (
    Sheet,
    choose_electrodes,
    make_predictor,
    tabulate_electrode,
    tabulate_extremes,
    tabulate_formulas,
    tabulate_made,
    tabulate_optimum,
    tabulate_scores,
)
from coatline.report.validation_figures import show_overview

Files = Mapping[str, str]
"""Gathered files by what they hold; what there is not is left out."""


def draw_campaign(files: Files, name: str) -> dict[str, Drawing]:
    """Draw the electrodes of a campaign.

    Args:
        files: `dataset`, and where there are any `curves`, `provenance` and `published`.
        name: of the campaign.
    """
    table = read_table(Path(files["dataset"]))
    drawings = {"profiles": draw_profiles(table), "failures": draw_failures(table)}
    if "curves" in files:
        campaign = assemble_campaign(name, table, read_curves(Path(files["curves"])))
        published = load_published(Path(files["published"])) if "published" in files else None
        drawings["calendering"] = draw_calendering(campaign, published)
        drawings["validation"] = show_overview(campaign.films, published)
    if "provenance" in files:
        drawings["cost"] = draw_cost(read_json(files["provenance"]))
    return drawings


def draw_learning(files: Files) -> dict[str, Drawing]:
    """Draw what was learned, from `regression`, `ceilings` and `sobol`."""
    return {
        "regression": draw_regression(read_rows(files["regression"]), read_rows(files["ceilings"])),
        "sobol": draw_sobol(read_rows(files["sobol"])),
    }


def draw_best(files: Files) -> dict[str, Drawing]:
    """Draw the optimum, from `dataset`, `optimum`, `search`, `front`, and `made` if any."""
    best = read_best(files["optimum"], files.get("made"))
    electrodes, search = read_electrodes(files["dataset"]), read_arrays(files["search"])
    return {
        "dependence": draw_dependence(search, best),
        "convergence": draw_convergence(search),
        "optimum": draw_optimum(electrodes, best),
        "extremes": draw_extremes(electrodes, best),
        "front": draw_front(read_arrays(files["front"]), electrodes, best),
    }


def list_sheets(files: Files, loading: float) -> dict[str, Sheet]:
    """List the tables.

    Args:
        files: `dataset`, `surrogates`, `table1` and `tableS1`; with an optimum also `optimum` and
            `uncertainty`, and `made` and `films` (CSV and netCDF) where electrodes were made;
            `published` and `paper` where there are published data.
        loading: solid mass per area of the electrodes, mg/cm².
    """
    paper = load_paper(Path(files["paper"])) if "paper" in files else None
    surrogates = read_json(files["surrogates"])
    electrodes = read_electrodes(files["dataset"])
    sheets = {
        "formulas": tabulate_formulas(surrogates),
        "signal": tabulate_signal(electrodes, surrogates),
        "table1": tabulate_scores(read_rows(files["table1"]), paper, "test"),
        "tableS1": tabulate_scores(read_rows(files["tableS1"]), paper, "train"),
    }
    if "optimum" not in files:
        return sheets
    best = read_best(files["optimum"], files.get("made"))
    predictor = make_predictor(surrogates, best.record)
    uncertainty = read_arrays(files["uncertainty"])
    published = load_published(Path(files["published"])) if "published" in files else None
    made = read_electrodes(files["films"]) if "films" in files else None
    chosen = choose_electrodes(made, electrodes, best)
    sheets |= {
        "table2": tabulate_optimum(best, uncertainty, predictor, paper),
        "extremes": tabulate_extremes(electrodes, best, paper),
        "table3": tabulate_electrode(*chosen, loading, published.electrode if published else None),
    }
    if paper:
        sheets["claims"] = tabulate_claims(electrodes, best)
    if "made" in files:
        sheets["made"] = tabulate_made(read_made(files["made"], best.recipe), paper)
    return sheets
