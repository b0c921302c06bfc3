"""Gathered files of a campaign by what they hold, as rules hand them over; and the whole report."""

from pathlib import Path

from coatline.design.table import make_design
from coatline.report.contents import FIGURES, TABLES
from coatline.report.design_figures import show_design, show_distributions
from coatline.report.draw import draw_best, draw_campaign, draw_learning, list_sheets
from coatline.report.drawing import save_drawings
from coatline.report.page_file import write_page
from coatline.report.sheets import write_sheet
from coatline.report.structures import (
    STAGES,
    draw_small,
    draw_structures,
    gather_structures,
    read_structures,
)

ROOT = Path(__file__).resolve().parents[2]
RANGES = {
    "active_material": (85, 97),
    "solid_content": (55, 72),
    "compression_rate": (2, 37),
}
SIZE = {"solid_mass": 0.1, "solid_loading": 10.0}
PLACES = {
    "dataset": "dataset.nc",
    "curves": "calendering_curves.nc",
    "provenance": "provenance.json",
    "surrogates": "learn/surrogates.json",
    "table1": "learn/table1.csv",
    "tableS1": "learn/tableS1.csv",
    "regression": "learn/regression.csv",
    "ceilings": "learn/ceilings.csv",
    "sobol": "learn/sobol.csv",
    "optimum": "optimise/optimum.json",
    "search": "optimise/search.nc",
    "uncertainty": "optimise/uncertainty.nc",
    "front": "optimise/front.nc",
    "made": "optimise/made.csv",
    "films": "optimise/made.nc",
    "structures": "structures.nc",
}


def list_files(folder):
    published = ROOT / "config" / "published"
    found = {name: str(folder / place) for name, place in PLACES.items()}
    return found | {
        "published": str(published / "nmc111.yaml"),
        "paper": str(published / "nmc111-campaign.yaml"),
        "citation": str(ROOT / "CITATION.cff"),
    }


def gather(folder, sample="o00c0"):
    """Gather the structures of the optimum, with a picture of one electrode of the design."""
    states = {
        "slurry": folder / "manufacture/o00/slurry.data.gz",
        "dried": folder / "manufacture/o00/dried.data.gz",
        "calendered": folder / f"manufacture/{sample}/calendered.data.gz",
    }
    assert set(states) == set(STAGES)
    recipe = {"active_material": 90.0, "solid_content": 60.0, "compression_rate": 20.0}
    gather_structures(states, sample, recipe, folder / "structures.nc")
    draw_small(states["calendered"], folder / "electrodes/y00c0.jpg")


def draw_all(folder):
    """Draw all figures, by name."""
    files = list_files(folder)
    design = make_design("shared-slurries", slurries=6, compressions=4)
    return (
        draw_campaign(files, "small")
        | draw_learning(files)
        | draw_best(files)
        | {
            "distributions": show_distributions(design, RANGES, "shared-slurries"),
            "design": show_design(design, RANGES),
            "electrodes": draw_structures(read_structures(files["structures"])),
        }
    )


def write_report(folder):
    """Write the whole report of a campaign; its page."""
    gather(folder)
    report, files = folder / "report", list_files(folder)
    figures = [report / f"figures/{name}.svg" for name in FIGURES]
    captions = [report / f"captions/{name}.rst" for name in FIGURES]
    save_drawings(draw_all(folder), [*figures, *captions])
    tables, notes = [], []
    for name, sheet in list_sheets(files, 10.0).items():
        tables.append(report / f"tables/{name}.csv")
        notes.append(report / f"captions/table_{name}.rst")
        write_sheet(sheet, tables[-1], notes[-1])
    assert {path.stem for path in tables} == set(TABLES)
    docs = ROOT / "docs"
    sources = files | {
        "figures": figures,
        "captions": captions,
        "tables": tables,
        "notes": notes,
        "pictures": [folder / "electrodes/y00c0.jpg"],
        "validation": [docs / "validation.md", *sorted((docs / "validation").glob("*.svg"))],
    }
    write_page(
        sources,
        report / "index.html",
        campaign="small",
        material="NMC111",
        fixed={},
        ranges=RANGES,
        size=SIZE,
    )
    return report / "index.html"
