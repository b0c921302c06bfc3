"""A whole campaign that never ran: gathered files as the workflow leaves them, in seconds."""

import json

import numpy as np

from coatline.design.table import make_design
from coatline.learn.measurements import read_measurements
from coatline.learn.surrogates import (
    describe_surrogates,
    fit_surrogates,
    read_errors,
    write_json,
)
from coatline.learn.tables import (
    TABLES,
    list_ceilings,
    list_indices,
    list_published,
    list_regression,
    score_surrogates,
    write_table,
)
from coatline.learn.validation import summarise
from coatline.manufacture.state import AM, CBD, Particles, write_state
from coatline.measure.curves import Curves, write_curves
from coatline.measure.dataset import INPUTS, SLABS, Table
from coatline.measure.dataset import write_table as write_netcdf
from coatline.optimise.films import COLUMNS, compare_films, label_films
from coatline.optimise.objective import PUBLISHED_GOALS
from coatline.optimise.study import (
    find_targets,
    front_study,
    load_study,
    optimise_study,
    read_optimum,
    resample_optimum,
)

BOX = {
    "active_material": [85.0, 97.0],
    "solid_content": [55.0, 72.0],
    "compression_rate": [2.0, 37.0],
}
UNITS = {
    "active_surface_area": "%",
    "density": "g/cm3",
    "effective_electronic_conductivity": "S/m",
    "porosity": "1",
    "porosity_without_nanopores": "1",
    "pressure_peak": "kPa",
    "spring_back": "1",
    "thickness": "um",
    "thickness_dried": "um",
    "thickness_lowest": "um",
    "tortuosity_factor": "1",
    "volume_fraction_active_material": "1",
    "volume_fraction_cbd": "1",
}


def make_values(active_material, solid_content, compression_rate, shared, draw):
    """Properties of electrodes of 10 mg/cm² by simple laws with noise: name → (n,)."""
    share = active_material / 100
    solids = 1 / (share / 4.65 + (1 - share) / 1.81)
    start = 0.60 - 0.012 * (active_material - 85) - 0.001 * (solid_content - 55) + shared
    dried = 100 / (solids * (1 - start))
    lowest = dried * (1 - compression_rate / 100)
    back = 0.02 + compression_rate / 400
    thickness = lowest + back * (dried - lowest)
    porosity = 1 - (1 - start) * dried / thickness
    rate = compression_rate

    def noise(size):
        return draw.normal(0, size, np.shape(rate))

    return {
        "active_surface_area": np.clip(
            45 + 2 * (active_material - 85) + 60 * (porosity - 0.4) + noise(1), 5, 99
        ),
        "density": solids * (1 - porosity),
        "effective_electronic_conductivity": np.exp(
            -4.5 + 0.11 * rate - 0.18 * (active_material - 91) + noise(0.12)
        ),
        "porosity": porosity,
        "porosity_without_nanopores": porosity - 0.06,
        "pressure_peak": 300 * np.exp(rate / 8),
        "spring_back": back,
        "thickness": thickness,
        "thickness_dried": dried,
        "thickness_lowest": lowest,
        "tortuosity_factor": 1.15 * porosity**-0.55 * np.exp(noise(0.01)),
        "volume_fraction_active_material": (1 - porosity) * 0.8,
        "volume_fraction_cbd": (1 - porosity) * 0.3,
    }


def write_films(path, samples, slurries, columns, values, failed=(), seed=0):
    """Write netCDF like `dataset.nc`; failed rows by index."""
    bad = np.isin(np.arange(len(samples)), list(failed))
    depth = (np.arange(SLABS) + 0.5) / SLABS
    pores = values["porosity"][:, None] * (1 + 0.15 * (0.5 - depth))
    binder = 0.2 + 0.06 * (depth - 0.5) + 0 * pores
    profile = np.stack([pores, binder, 1 - pores - binder], axis=1)
    profile += np.random.default_rng(seed).normal(0, 0.01, profile.shape)
    profile[bad] = np.nan
    table = Table(
        sample=list(samples),
        status=["failed" if one else "ok" for one in bad],
        cause=["press: Lost atoms" if one else "" for one in bad],
        values={name: np.where(bad, np.nan, column) for name, column in values.items()},
        units={
            name: {"units": UNITS[name], "long_name": name.replace("_", " ")} for name in values
        },
        profile=profile,
    )
    coordinates = {
        name: (column, "%", INPUTS[name]) for name, column in zip(INPUTS, columns, strict=True)
    }
    coordinates["slurry"] = (list(slurries), "", "id of the slurry")
    coordinates["material"] = (["NMC111"] * len(samples), "", "active material")
    write_netcdf(path, table, coordinates, title="simulated electrodes")


def write_base(folder, slurries=29, compressions=6, failed=(), seed=1):
    """Write dataset, calendering curves and provenance of a campaign."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng(seed)
    design = make_design("shared-slurries", seed=seed, slurries=slurries, compressions=compressions)
    samples, owners = [row.sample for row in design], [row.slurry for row in design]
    columns = [np.array([getattr(row, name) for row in design]) for name in INPUTS]
    names = list(dict.fromkeys(owners))
    offsets = dict(zip(names, draw.normal(0, 0.008, len(names))))
    values = make_values(*columns, np.array([offsets[one] for one in owners]), draw)
    write_films(folder / "dataset.nc", samples, owners, columns, values, failed, seed)

    first = [owners.index(name) for name in names]
    grid = np.arange(38.0)
    dried = values["thickness_dried"][first][:, None]
    solids = ((1 - values["porosity"]) * values["thickness"])[first][:, None]
    height = dried * (1 - grid / 100)
    stiff = np.exp(draw.normal(0, 0.1, (len(names), 1)))
    write_curves(
        folder / "calendering_curves.nc",
        Curves(
            slurry=names,
            compression=grid,
            active_material=columns[0][first],
            solid_content=columns[1][first],
            status=["ok"] * len(names),
            cause=[""] * len(names),
            curves={
                "height": height,
                "pressure": 300 * stiff * np.exp(grid / 8),
                "porosity": 1 - solids / height,
            },
            scalars={
                "thickness_dried": dried[:, 0],
                "density_slurry": np.full(len(names), 2.0),
                "density_slurry_additive": np.full(len(names), 2.0),
                "press_speed": np.full(len(names), 0.3),
            },
        ),
    )

    def run(seconds):
        time = round(float(seconds * np.exp(draw.normal(0, 0.2))), 3)
        return {"seconds": time, "attempt": 1, "host": "node1", "physics": "0" * 16}

    shared = {"slurry": 2.5, "dry": 15.0, "press": 24.0}
    own = {"calender": 10.0, "measure": 12.0}
    made = {
        "campaign": folder.name,
        "code": {"coatline": "0.1.0", "commit": "0" * 40, "dirty": False},
        "hosts": ["node1"],
        "lammps": ["22 Jul 2025"],
        "config": {
            "campaign": {"name": folder.name, "seed": seed},
            "electrode": {"solid_mass": 0.1, "solid_loading": 10.0},
            "engine": {"threads": 1},
        },
        "slurries": {name: {k: run(v) for k, v in shared.items()} for name in names},
        "samples": {name: {k: run(v) for k, v in own.items()} for name in samples},
    }
    (folder / "provenance.json").write_text(json.dumps(made))
    return folder


def write_learning(folder, properties=tuple(PUBLISHED_GOALS), seeds=2, resamples=5):
    """Write all of learn/ as its rules do."""
    learn = folder / "learn"
    learn.mkdir(exist_ok=True)
    path, data = learn / "surrogates.json", read_measurements([folder / "dataset.nc"], properties)
    write_json(path, describe_surrogates(fit_surrogates(data, properties, BOX, 1), data, BOX))
    rows, notes = score_surrogates(path, data, seeds, 0.2, 1)
    summary = summarise(rows) if rows else []
    ceilings, more = list_ceilings(path, data, seeds, 0.2)
    indices, _ = list_indices(path, data, 4096, resamples, 1)
    for name, table in {
        "scores": rows,
        "summary": summary,
        "table1": list_published(rows, summary, data.units, "test"),
        "tableS1": list_published(rows, summary, data.units, "train"),
        "regression": list_regression(path, data, 0.2, 1),
        "ceilings": ceilings,
        "sobol": indices,
    }.items():
        write_table(learn / f"{name}.csv", table, TABLES[name])
    write_json(learn / "notes.json", {"seeds": seeds, "test_share": 0.2, "notes": notes + more})


def write_optimum(folder, goals=PUBLISHED_GOALS, calls=10, size=20, resamples=5, films=2):
    """Write all of optimise/ as its rules do, with electrodes made at the optimum."""
    place = folder / "optimise"
    place.mkdir(exist_ok=True)
    properties = tuple(json.loads((folder / "learn/surrogates.json").read_text())["properties"])
    study, surrogates = load_study(
        [folder / "dataset.nc"],
        folder / "learn/surrogates.json",
        properties,
        BOX,
        {},
        goals,
        {},
        "sisso",
    )
    record, search = optimise_study(study, calls, 1)
    search.to_netcdf(place / "search.nc")
    write_json(place / "optimum.json", record)
    optimum = read_optimum(place / "optimum.json", study)
    resample_optimum(study, optimum, resamples, 1).to_netcdf(place / "uncertainty.nc")
    front_study(study, optimum, size, 1).to_netcdf(place / "front.nc")
    write_json(place / "targets.json", find_targets(study, surrogates, {}, "sisso", 1))
    if not films:
        return
    recipe = record["recipe"]
    samples = ["o00c0", *(f"o00r{number}c0" for number in range(1, films))]
    columns = [np.full(films, recipe[name]) for name in INPUTS]
    values = make_values(*columns, np.zeros(films), np.random.default_rng(7))
    write_films(
        place / "made.nc", samples, [one.partition("c")[0] for one in samples], columns, values
    )
    made = read_measurements([place / "made.nc"], properties, True)
    errors = read_errors(folder / "learn/surrogates.json")
    labels = label_films(samples, {})
    write_table(
        place / "made.csv",
        compare_films(made, labels, surrogates, errors, study.asked, BOX),
        COLUMNS,
    )


def make_film(seed=0, side=12.0, height=18.0, count=60):
    """A few spheres on a collector, as a state."""
    draw = np.random.default_rng(seed)
    phase = np.where(np.arange(count) < count // 3, AM, CBD).astype(np.uint8)
    diameter = np.where(phase == AM, draw.uniform(3, 5, count), 2.0)
    position = draw.uniform(0, 1, (count, 3)) * [side, side, height - 5] + [0, 0, 2.5]
    return Particles(position, diameter, phase, (side, side))


def write_states(folder, slurry="o00", sample="o00c0"):
    """Write the states of one electrode as the rules of manufacture leave them."""
    for place, name, height in (
        (slurry, "slurry", 26.0),
        (slurry, "dried", 18.0),
        (sample, "calendered", 14.0),
    ):
        target = folder / "manufacture" / place
        target.mkdir(parents=True, exist_ok=True)
        write_state(target / f"{name}.data.gz", make_film(height=height), top=30.0)


def write_campaign(folder, slurries=29, compressions=6, **options):
    """Write all gathered files of a campaign."""
    write_base(folder, slurries, compressions, **options)
    write_learning(folder)
    write_optimum(folder)
    write_states(folder)
    return folder
