import numpy as np
import pytest
from sklearn.linear_model import Ridge

from coatline.learn.expressions import Input
from coatline.learn.formula import Formula, Term
from coatline.learn.gaussian import SlurryProcess
from coatline.learn.linear import LinearBaseline
from coatline.learn.resampling import FormulaFit, draw_slurries, fix_complexity, fix_form
from coatline.learn.sisso import Sisso
from tests.learn.electrodes import BOX, NAMES, add_noise, make_design, porosity, spread_points

INPUTS, SLURRY = make_design()
POROSITY = add_noise(porosity(INPUTS), SLURRY, 0.005, 0.004, 1)
GRID = spread_points(100, 7)


@pytest.fixture(scope="module")
def sisso():
    return Sisso(NAMES, BOX, rungs=(0, 1), terms=(1, 2)).fit(INPUTS, POROSITY, SLURRY)


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_formula_fit_is_the_fit_of_sisso(scale):
    model = Sisso(NAMES, BOX, rungs=(1,), terms=(2,), scale=scale).fit(INPUTS, POROSITY, SLURRY)
    refit = fix_form(model).fit(INPUTS, POROSITY)
    assert refit.formula_.text(6) == model.formula_.text(6)
    assert refit.predict(GRID) == pytest.approx(model.predict(GRID), rel=1e-9)


def test_formula_fit_finds_other_coefficients_with_other_samples():
    terms = (Term(1.0, Input("compression_rate")), Term(1.0, Input("solid_content")))
    formula = Formula(NAMES, BOX, 0.0, terms)
    target = 7 - 2 * INPUTS[:, 2] + 0.5 * INPUTS[:, 1]
    found = FormulaFit(formula).fit(INPUTS, target).formula_
    assert found.intercept == pytest.approx(7)
    assert [term.coefficient for term in found.terms] == pytest.approx([-2, 0.5])
    with pytest.raises(ValueError, match="2 samples do not tell 2 terms apart"):
        FormulaFit(formula).fit(INPUTS[:2], target[:2])
    with pytest.raises(ValueError, match="needs a positive target"):
        FormulaFit(Formula(NAMES, BOX, 0.0, terms, "log")).fit(INPUTS, target)


def test_complexity_is_kept(sisso):
    fixed = fix_complexity(sisso)
    assert not hasattr(fixed, "formula_")
    chosen = sisso.chosen_
    assert (fixed.scale, fixed.rungs, fixed.terms) == (
        chosen.scale,
        (chosen.rung,),
        (chosen.terms,),
    )
    again = fixed.fit(INPUTS, POROSITY, SLURRY)
    assert again.candidates_ == ()
    assert again.formula_ == sisso.formula_
    # Fitted again at a fixed complexity there is no choice left, and it is kept all the same.
    assert fix_complexity(again).get_params() == fixed.get_params()


def test_scale_and_hyperparameters_are_kept():
    process = SlurryProcess(NAMES, BOX).fit(INPUTS, POROSITY, SLURRY)
    assert fix_complexity(process).scale == process.scale_
    assert fix_complexity(process).hyperparameters is None
    refit = fix_form(process).fit(INPUTS, POROSITY, SLURRY)
    assert refit.hyperparameters_ == process.hyperparameters_
    assert refit.predict(GRID) == pytest.approx(process.predict(GRID), rel=1e-9)
    plane = LinearBaseline().fit(INPUTS, POROSITY, SLURRY)
    assert fix_form(plane).scale == plane.scale_
    assert fix_form(Ridge(0.5).fit(INPUTS, POROSITY)).alpha == 0.5


def test_slurries_are_drawn_whole():
    labels = np.array([f"y{number:02d}" for number in SLURRY])
    for rows, drawn in draw_slurries(labels, 20, seed=3):
        assert len(rows) == 174
        assert len(np.unique(drawn)) == 29
        for one in np.unique(drawn):
            members = rows[drawn == one]
            assert members.tolist() == np.flatnonzero(SLURRY[members[0]] == SLURRY).tolist()
    first, again = (list(draw_slurries(labels, 3, seed=5)) for _ in range(2))
    assert all((a[0] == b[0]).all() for a, b in zip(first, again, strict=True))


def test_bootstrap_gives_the_error_of_the_mean():
    """Of balanced slurries, the deviation of their means over the root of their number."""
    target = add_noise(np.zeros(174), SLURRY, 1.0, 0.3, 2)
    means = np.array([target[one == SLURRY].mean() for one in range(29)])
    found = [target[rows].mean() for rows, _ in draw_slurries(SLURRY, 4000)]
    assert np.std(found) == pytest.approx(means.std() / np.sqrt(29), rel=0.04)
    assert np.std(found) > 2 * target.std() / np.sqrt(174)


def test_too_few_slurries_for_a_bootstrap():
    with pytest.raises(ValueError, match="5 slurries or more, got 4"):
        next(draw_slurries(np.arange(12) % 4, 1))
