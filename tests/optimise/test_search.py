import itertools

import numpy as np
import pytest
import xarray as xr

from coatline.optimise.box import INPUTS
from coatline.optimise.objective import Aim, Objective
from coatline.optimise.search import (
    Optimum,
    Search,
    compute_dependence,
    estimate_uncertainty,
    find_global,
    find_optimum,
)
from tests.optimise.stand_in import BOX, Analytic, make_objective

AIM = Aim("y", "minimise", -1.0, 2.0)
"""Below the least value of y, so that the square of C_f does not flatten the optimum."""


def make_bowl(centre, shift=0.0):
    """y = |u - centre|² + shift in the unit box."""

    def function(*unit):
        return shift + sum((u - at) ** 2 for u, at in zip(unit, centre, strict=True))

    return Objective([AIM], {"y": Analytic(function)})


INSIDE = (0.3, 0.6, 0.8)
AT_EDGE = (1.4, 0.25, -0.7)


@pytest.mark.parametrize("centre", [INSIDE, AT_EDGE])
def test_both_methods_find_the_known_optimum(centre):
    nearest = np.clip(centre, 0, 1)
    value = ((((nearest - centre) ** 2).sum() + 1) / 3) ** 2
    search = find_optimum(make_bowl(centre), BOX, calls=25, seed=2)
    for found, close in ((search.optimum, 0.03), (search.check, 1e-3)):
        np.testing.assert_allclose(BOX.to_unit(found.recipe), nearest, atol=close)
        assert found.value == pytest.approx(value, abs=1e-3)
        assert BOX.contains(found.recipe)
    assert search.check.value == pytest.approx(value, abs=1e-8)
    assert search.agrees and search.best is search.optimum
    assert search.check.properties["y"] == pytest.approx(((nearest - centre) ** 2).sum(), abs=1e-6)


def test_trace_holds_every_call_and_the_model_passes_through_them(tmp_path):
    objective = make_objective()
    search = find_optimum(objective, BOX, calls=20, seed=1)
    trace = search.trace
    assert dict(trace.sizes) == {"call": 20, "input": 3} and trace.input.values.tolist() == [
        *INPUTS
    ]
    np.testing.assert_allclose(trace.objective, objective.evaluate(trace.recipe.values), rtol=1e-12)
    assert (np.diff(trace.best) <= 0).all()
    assert float(trace.best[-1]) == float(trace.objective.min())
    assert search.optimum.value == pytest.approx(float(trace.objective.min()), abs=1e-5)
    np.testing.assert_allclose(search.model(trace.recipe.values), trace.objective, atol=2e-3)
    trace.to_netcdf(tmp_path / "trace.nc")
    with xr.open_dataset(tmp_path / "trace.nc") as again:
        xr.testing.assert_identical(again.load(), trace)


def test_same_seed_same_search():
    one, again, other = (find_optimum(make_objective(), BOX, 14, seed) for seed in (3, 3, 4))
    xr.testing.assert_identical(one.trace, again.trace)
    assert one.optimum == again.optimum and one.check == again.check
    assert not np.array_equal(one.trace.recipe, other.trace.recipe)


@pytest.mark.parametrize(
    ("value", "agrees", "best"), [(0.3009, True, 0), (0.3011, False, 1), (0.2989, False, 0)]
)
def test_agreement_of_two_methods(value, agrees, best):
    both = Optimum((90.0, 60.0, 20.0), value, {}), Optimum((91.0, 60.0, 20.0), 0.3, {})
    search = Search(*both, xr.Dataset(), lambda recipes: recipes)
    assert search.agrees is agrees and search.best is both[best]


def test_too_few_calls():
    with pytest.raises(ValueError, match="9 calls are too few"):
        find_optimum(make_bowl(INSIDE), BOX, calls=9)


def test_partial_dependence_of_a_product_by_hand(tmp_path):
    # Hidden u and v are spread evenly: mean 1/2, deviation 1/√12.
    data = compute_dependence(lambda rows: BOX.to_unit(rows).prod(axis=1), BOX, 5, 1024)
    steps = np.linspace(0, 1, 5)
    a, s, c = INPUTS
    np.testing.assert_allclose(data[a], BOX.low[0] + 12 * steps)
    for one, other in itertools.combinations(INPUTS, 2):
        assert data[f"mean_{one}_{other}"].dims == (one, other)
        np.testing.assert_allclose(
            data[f"mean_{one}_{other}"], np.outer(steps, steps) / 2, atol=1e-3
        )
        np.testing.assert_allclose(
            data[f"deviation_{one}_{other}"], np.outer(steps, steps) / np.sqrt(12), atol=1e-3
        )
    np.testing.assert_allclose(data[f"mean_{c}"], steps / 4, atol=1e-3)
    assert len(data.data_vars) == 2 * (3 + 3)
    data.to_netcdf(tmp_path / "dependence.nc")
    first = compute_dependence(lambda rows: BOX.to_unit(rows)[:, 0], BOX, 5, 64)
    np.testing.assert_allclose(
        first[f"mean_{a}_{s}"], np.broadcast_to(steps[:, None], (5, 5)), atol=1e-12
    )
    np.testing.assert_allclose(first[f"deviation_{a}_{s}"], 0, atol=1e-12)


def test_uncertainty_of_the_optimum(tmp_path):
    # The optimum of refit k lies at known places: AM at 0.3 to 0.5, CR beyond the box.
    refits = [make_bowl((0.3 + 0.02 * k, 0.6, 1.2), shift=0.1 * k) for k in range(11)]
    optimum = find_global(make_bowl((0.4, 0.6, 1.2)), BOX)
    data = estimate_uncertainty(optimum, refits, BOX, level=0.8)
    np.testing.assert_allclose(
        BOX.to_unit(data.recipe)[:, 0], 0.3 + 0.02 * np.arange(11), atol=2e-3
    )
    ends = data.recipe_interval.sel(input="active_material")
    np.testing.assert_allclose((ends - 85) / 12, [0.32, 0.48], atol=2e-3)
    np.testing.assert_allclose(data.at_edge, [0, 0, 1])
    expected = ((1.04 + 0.1 * np.arange(11)) / 3) ** 2
    np.testing.assert_allclose(data.least, expected, atol=1e-6)
    away = 0.04 + 0.1 * np.arange(11) + (0.02 * np.arange(11) - 0.1) ** 2
    np.testing.assert_allclose(data.property[:, 0], away, atol=1e-5)
    np.testing.assert_allclose(data.property_interval[0], np.percentile(away, [10, 90]), atol=1e-5)
    np.testing.assert_allclose(data.objective, ((1 + away) / 3) ** 2, atol=1e-5)
    data.to_netcdf(tmp_path / "uncertainty.nc")


def test_uncertainty_needs_refits_of_one_objective():
    refit = make_bowl(INSIDE)
    optimum = Optimum((90.0, 60.0, 20.0), 0.1, {})
    other = Objective([Aim("y", "minimise", 0.0, 2.0)], refit.surrogates)
    for refits, level, message in (
        ([refit], 0.95, "1 refits are too few"),
        ([refit, other], 0.95, "the same aims"),
        ([refit, refit], 95, "level must lie between 0 and 1"),
    ):
        with pytest.raises(ValueError, match=message):
            estimate_uncertainty(optimum, refits, BOX, level=level)
