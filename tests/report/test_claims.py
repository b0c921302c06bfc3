"""Statements of the paper, and noise beside signal, on films whose answers are known."""

import math

import numpy as np
import pytest

from coatline.report.claims import tabulate_claims, tabulate_signal
from coatline.report.gathered import Best, Electrodes

NOWHERE = Best((math.nan,) * 3, {}, {}, {}, 0, {})


def make_electrodes(sign=1.0):
    """A grid of recipes on which every statement of the paper holds; with -1, none of direction."""
    axes = np.linspace(85, 97, 5), np.array([55.0, 72.0]), np.linspace(2, 37, 5)
    recipe = np.array(np.meshgrid(*axes, indexing="ij")).reshape(3, -1).T
    active, pressed = (recipe[:, 0] - 91) / 6, (recipe[:, 2] - 19.5) / 17.5
    values = {
        "effective_electronic_conductivity": np.exp(sign * (pressed - 2 * active) - 2),
        "tortuosity_factor": 2 + sign * 0.5 * pressed + 0.1 * active,
        "active_surface_area": 60 + sign * (20 * active - 5 * pressed),
        "density": 3 + sign * (0.3 * active + 0.5 * pressed),
        "porosity": np.full(len(recipe), 0.4),
    }
    units = {"effective_electronic_conductivity": "S/m", "density": "g/cm3"}
    return Electrodes(tuple(f"y{n:02d}c0" for n in range(len(recipe))), recipe, values, units)


def make_best(**changes):
    predicted = {
        "effective_electronic_conductivity": 0.9,
        "tortuosity_factor": 2.1,
        "active_surface_area": 80.0,
        "density": 3.3,
    }
    return Best((90.0, 60.0, 25.0), predicted | changes, {}, {}, 0, {})


def judge(sheet):
    return {row[0]: row[-1] for row in sheet.rows}


def test_statements_that_hold():
    found = judge(tabulate_claims(make_electrodes(), make_best()))
    assert len(found) == 11 and set(found.values()) == {"agrees"}


def test_statements_that_do_not_hold():
    sheet = tabulate_claims(make_electrodes(-1.0), make_best())
    found = judge(sheet)
    wrong = [text for text, verdict in found.items() if verdict == "differs"]
    assert {text.split(" has ")[0] for text in wrong} >= {
        "The most conductive electrode",
        "The densest electrode",
        "The electrode of most active surface area",
    }
    assert f"{11 - len(wrong)} of 11 agree" in sheet.caption
    worse = judge(
        tabulate_claims(make_electrodes(), make_best(effective_electronic_conductivity=1e-9))
    )
    assert worse["It conducts worse than the optimum"] == "differs"


def test_what_cannot_be_told_is_not_counted():
    sheet = tabulate_claims(make_electrodes(), NOWHERE)
    verdicts = list(judge(sheet).values())
    assert verdicts.count("cannot be told") == 6 and verdicts.count("agrees") == 5
    assert "5 of 5 agree" in sheet.caption
    short = make_electrodes()
    del short.values["density"]
    assert tabulate_claims(short, make_best()).rows == []


@pytest.mark.parametrize(("noise", "clear"), [(0.01, True), (0.3, False)])
def test_noise_beside_signal(noise, clear):
    """Noise of a slurry and of a film add as variances; on a log scale they are relative."""
    electrodes = make_electrodes()
    parts = {
        "units": "g/cm3",
        "low": 2.2,
        "high": 3.8,
        "process": {
            "scale": "linear",
            "hyperparameters": {"slurry": 0.8 * noise, "noise": 0.6 * noise},
        },
    }
    surrogates = {"properties": {"density": parts, "spring_back": parts}}
    sheet = tabulate_signal(electrodes, surrogates)
    (row,) = sheet.rows
    share = noise**2 / np.var(electrodes.values["density"], ddof=1)
    assert row[2] == f"{noise:g}0 g/cm³"
    assert float(row[3].removesuffix(" %")) == pytest.approx(100 * share, rel=0.05)
    assert float(row[4]) > 0.4 and float(row[6]) > 0.7 and float(row[5]) == 0
    assert ("Less than 10 %" in sheet.caption) == clear
    parts["process"]["scale"] = "log"
    (row,) = tabulate_signal(electrodes, {"properties": {"density": parts}}).rows
    assert row[2].endswith("% of the value")
