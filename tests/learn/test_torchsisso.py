"""Cross-check with TorchSISSO, an implementation by others; one rung is two of its expansions."""

import numpy as np
import pandas as pd
import pytest

from coatline.learn.sisso import Sisso

torchsisso = pytest.importorskip("TorchSisso")

NAMES = ("AM", "SC", "CR")
BOX = ((85, 97), (55, 72), (2, 37))
THEIRS = ["+", "-", "*", "/", "pow(2)", "pow(1/2)", "^-1"]
OURS = ("add", "subtract", "multiply", "divide", "square", "sqrt", "inverse")
RNG = np.random.default_rng(6)
INPUTS = np.array(BOX, float)[:, 0] + RNG.random((120, 3)) * np.ptp(np.array(BOX, float), axis=1)
AM, SC, CR = INPUTS.T


@pytest.mark.parametrize("terms", [1, 2])
@pytest.mark.parametrize("rung", [0, 1])
@pytest.mark.parametrize(
    "target", [3.2 * AM / SC - 0.07 * CR**2 + 5, 2 * AM * np.sqrt(CR), CR * (SC - 50) / AM]
)
def test_same_error(target, rung, terms):
    target = target + 0.1 * target.std() * np.random.default_rng(7).normal(size=len(target))
    frame = pd.DataFrame(np.column_stack([target, INPUTS]), columns=["y", *NAMES])
    theirs, equation, *_ = torchsisso.SissoModel(
        frame, operators=THEIRS, n_expansion=rung + 1, n_term=terms, k=20
    ).fit()
    model = Sisso(NAMES, BOX, OURS, (rung,), (terms,), scale="linear", price=0.0)
    found = model.fit(INPUTS, target)
    ours = np.sqrt(np.mean((found.predict(INPUTS) - target) ** 2))
    assert ours == pytest.approx(theirs, rel=1e-9), (equation, found.formula_.text())


def test_not_worse_at_the_second_rung():
    target = 2 * AM * np.sqrt(CR) + 30 * SC / CR
    frame = pd.DataFrame(np.column_stack([target, INPUTS]), columns=["y", *NAMES])
    theirs, *_ = torchsisso.SissoModel(frame, operators=THEIRS, n_expansion=3, n_term=2, k=20).fit()
    model = Sisso(NAMES, BOX, OURS, (2,), (2,), scale="linear").fit(INPUTS, target)
    ours = np.sqrt(np.mean((model.predict(INPUTS) - target) ** 2))
    assert ours < 1e-9 * target.std()
    assert ours <= theirs + 1e-9
