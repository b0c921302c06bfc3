"""Datasets of synthetic electrodes, as a campaign leaves them."""

import numpy as np

from coatline.campaign.settings import write_settings
from coatline.learn.measurements import read_measurements
from coatline.measure.dataset import INPUTS, Table, write_table
from tests.learn.electrodes import add_noise, conductivity, make_design, porosity

PROPERTIES = ("porosity", "effective_electronic_conductivity")
BOX = {
    "active_material": (85.0, 97.0),
    "solid_content": (55.0, 72.0),
    "compression_rate": (2.0, 37.0),
}
UNITS = {"porosity": "1", "effective_electronic_conductivity": "S/m"}


def make_values(inputs, slurry, seed=0):
    """Both properties with little noise, a part of it common to a slurry."""
    return {
        "porosity": add_noise(porosity(inputs), slurry, 0.004, 0.004, seed),
        "effective_electronic_conductivity": add_noise(
            conductivity(inputs), slurry, 0.03, 0.03, seed + 1, log=True
        ),
    }


def write_dataset(
    path, inputs, slurry, values, letter="y", failed=(), material="NMC111", made_with=None
):
    """Write netCDF as `coatline.measure.dataset` does; some rows failed."""
    names = [f"{letter}{number:02d}" for number in slurry]
    counts = {name: 0 for name in names}
    sample = []
    for name in names:
        sample.append(f"{name}c{counts[name]}")
        counts[name] += 1
    bad = np.isin(np.arange(len(names)), list(failed))
    table = Table(
        sample=sample,
        status=["failed" if one else "ok" for one in bad],
        cause=["lost atoms" if one else "" for one in bad],
        values={
            name: np.where(bad, np.nan, column) for name, column in values.items() if not bad.all()
        },
        units={name: {"units": UNITS.get(name, "1"), "long_name": name} for name in values},
        profile=np.full((len(names), 3, 50), np.nan),
    )
    columns = {
        name: (inputs[:, index], "%", text) for index, (name, text) in enumerate(INPUTS.items())
    }
    columns["slurry"] = (names, "", "id of the slurry")
    columns["material"] = ([material] * len(names), "", "active material")
    write_table(path, table, columns, title="simulated electrodes")
    if made_with is not None:
        write_settings(path, made_with)
    return path


def make_dataset(path, slurries=8, compressions=4, seed=0, **options):
    """A dataset of both properties."""
    inputs, slurry = make_design(slurries, compressions, seed)
    return write_dataset(path, inputs, slurry, make_values(inputs, slurry, seed), **options)


def make_measurements(folder, slurries=8, compressions=4, **options):
    path = make_dataset(folder / "dataset.nc", slurries, compressions, **options)
    return read_measurements([path], PROPERTIES)


def lighten(monkeypatch):
    """Let formulas be sought among fewer features: a fit of seconds becomes one of tenths."""
    from coatline.learn import surrogates, tables

    def make(box, seed=0, full=surrogates.make_estimators):
        found = full(box, seed)
        found["sisso"].set_params(rungs=(0, 1), terms=(1, 2), screened=20)
        return found

    for module in (surrogates, tables):
        monkeypatch.setattr(module, "make_estimators", make)
