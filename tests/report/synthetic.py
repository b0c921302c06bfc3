"""Films that never were: gathered files of campaigns whose answers are known."""

import json

import numpy as np

from coatline.measure.curves import Curves, write_curves
from coatline.measure.dataset import SLABS, Table, write_table
from coatline.report.films import Campaign, assemble_campaign

UNITS = {
    "porosity": "1",
    "porosity_without_nanopores": "1",
    "thickness": "um",
    "thickness_dried": "um",
    "thickness_lowest": "um",
    "spring_back": "1",
    "pressure_peak": "kPa",
    "tortuosity_factor": "1",
    "active_surface_area": "%",
    "effective_electronic_conductivity": "S/m",
    "mean_overlap": "%",
}


def additive(active_material, solid_content):
    solids = solid_content / 100
    am = active_material / 100
    return 1 / (solids * (am / 4.65 + (1 - am) / 1.81) + (1 - solids) / 1.03)


def make_electrode(dried, rate, spring_back=0.1, tortuosity=1.0, **changes):
    """One electrode of a film 100 µm thick; solids are conserved, tau = tortuosity / sqrt(eps)."""
    lowest = 100 * (1 - rate / 100)
    thickness = lowest + spring_back * (100 - lowest)
    porosity = 1 - (1 - dried) * 100 / thickness
    values = {
        "porosity": porosity,
        "porosity_without_nanopores": porosity - 0.03,
        "thickness": thickness,
        "thickness_dried": 100.0,
        "thickness_lowest": lowest,
        "spring_back": spring_back if rate else np.nan,
        "pressure_peak": 10 * np.exp(rate / 4),
        "tortuosity_factor": tortuosity * porosity**-0.5,
        "active_surface_area": 50 + 50 * porosity,
        "effective_electronic_conductivity": 0.01 + 0.005 * rate,
        "mean_overlap": rate / 20,
    }
    return values | changes


def make_tables(rows, failed=()):
    """Table and curves of a campaign.

    Args:
        rows: slurry, active material, solid content, dried porosity, electrodes by rate, where
            electrodes are mappings of values.
        failed: samples that failed.
    """
    table = Table()
    columns = {
        name: [] for name in (*UNITS, "active_material", "solid_content", "compression_rate")
    }
    grid = np.arange(41.0)
    heights, pressures, porosities = [], [], []
    for slurry, active_material, solid_content, dried, electrodes in rows:
        for k, (rate, values) in enumerate(electrodes.items()):
            sample = f"{slurry}c{k}"
            bad = sample in failed
            table.sample.append(sample)
            table.status.append("failed" if bad else "ok")
            table.cause.append("press: Lost atoms" if bad else "")
            recipe = (active_material, solid_content, rate)
            for name, value in zip(
                ("active_material", "solid_content", "compression_rate"), recipe
            ):
                columns[name].append(value)
            for name in UNITS:
                columns[name].append(np.nan if bad else values[name])
        heights.append(100 - grid)
        pressures.append(10 * np.exp(grid / 4))
        porosities.append(1 - (1 - dried) / (1 - grid / 100))
    table.values = {name: np.array(values) for name, values in columns.items()}
    table.units = {name: {"units": UNITS.get(name, "%")} for name in columns}
    table.profile = np.full((len(table.sample), 3, SLABS), np.nan)
    law = np.array([additive(row[1], row[2]) for row in rows])
    curves = Curves(
        slurry=[row[0] for row in rows],
        compression=grid,
        active_material=np.array([float(row[1]) for row in rows]),
        solid_content=np.array([float(row[2]) for row in rows]),
        status=["ok"] * len(rows),
        cause=[""] * len(rows),
        curves={
            "height": np.array(heights),
            "pressure": np.array(pressures),
            "porosity": np.array(porosities),
        },
        scalars={
            "thickness_dried": np.full(len(rows), 100.0),
            "density_slurry": 0.99 * law,
            "density_slurry_additive": law,
            "press_speed": np.full(len(rows), 0.3),
        },
    )
    return table, curves


def make_rows(recipes, rates, seeds=3, scatter=0.005, **changes):
    """Rows of a campaign with replicates: dried porosities scatter evenly around the given one."""
    rows = []
    for number, (active_material, solid_content, dried) in enumerate(recipes):
        for seed in range(seeds):
            slurry = f"y{number:02d}" + (f"r{seed}" if seed else "")
            start = dried + scatter * (seed - (seeds - 1) / 2)
            electrodes = {
                rate: make_electrode(start, rate, **{"spring_back": 0.02 + rate / 400} | changes)
                for rate in rates
            }
            rows.append((slurry, active_material, solid_content, start, electrodes))
    return rows


def make_campaign(name, rows, failed=()) -> Campaign:
    table, curves = make_tables(rows, failed)
    runs = {stage: {"seconds": 30.0} for stage in ("slurry", "dry", "press")}
    own = {stage: {"seconds": 5.0} for stage in ("calender", "measure")}
    made = {
        "slurries": {row[0]: runs for row in rows},
        "samples": {sample: own for sample in table.sample},
    }
    return assemble_campaign(name, table, curves, made)


def write_campaign(folder, rows, failed=()):
    folder.mkdir(parents=True)
    table, curves = make_tables(rows, failed)
    write_table(folder / "dataset.nc", table)
    write_curves(folder / "calendering_curves.nc", curves)
    runs = {
        row[0]: {stage: {"seconds": 30.0} for stage in ("slurry", "dry", "press")} for row in rows
    }
    own = {sample: {"calender": {"seconds": 5.0}} for sample in table.sample}
    made = {"slurries": runs, "samples": own}
    (folder / "provenance.json").write_text(json.dumps(made))
