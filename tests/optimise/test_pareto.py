import numpy as np
import pytest
import xarray as xr

from coatline.optimise.objective import Aim, Objective
from coatline.optimise.pareto import find_front, find_undominated
from coatline.optimise.search import Optimum, describe_optimum, find_global
from tests.optimise.stand_in import BOX, Analytic, make_objective


def make_zdt1():
    """Front: second = 1 - √first with the other inputs at 1/2, as of ZDT1; second is negated."""

    def away(s, c):
        return (s - 0.5) ** 2 + (c - 0.5) ** 2

    surrogates = {
        "first": Analytic(lambda a, s, c: a + away(s, c)),
        "second": Analytic(lambda a, s, c: -(1 - np.sqrt(a) + away(s, c))),
    }
    aims = [Aim("first", "minimise", 0.0, 1.0), Aim("second", "maximise", -1.0, 0.0)]
    return Objective(aims, surrogates)


def test_known_front(tmp_path):
    objective = make_zdt1()
    front = find_front(objective, BOX, size=60, generations=80, seed=1)
    first, second = front.property.values.T
    np.testing.assert_allclose(-second, 1 - np.sqrt(np.clip(first, 0, 1)), atol=0.03)
    assert len(first) > 40 and np.diff(np.sort([0, *first, 1])).max() < 0.1
    np.testing.assert_allclose(front.scaled, np.stack([first, -second], axis=1), atol=1e-12)
    np.testing.assert_allclose(front.property, objective.predict_properties(front.recipe.values))
    assert (np.diff(front.objective) >= 0).all()
    assert "optimum" not in front
    front.to_netcdf(tmp_path / "front.nc")


def test_optimum_is_marked():
    objective = make_zdt1()
    optimum = find_global(objective, BOX)
    front = find_front(objective, BOX, optimum, size=60, generations=60, seed=1)
    assert front.attrs["nearest"] == pytest.approx(float(front.distance.min()))
    assert front.attrs["nearest"] < 0.03
    assert front.attrs["dominated"] == 0 and 0 < front.attrs["spacing"] < 0.05
    # Two inputs half the range off what the front has: 2 · 0.5² in both properties.
    bad = describe_optimum(objective, BOX, BOX.from_unit([0.25, 1.0, 1.0]))
    marked = find_front(objective, BOX, bad, size=60, generations=60, seed=1)
    assert marked.attrs["dominated"] == 1 and marked.attrs["nearest"] > 0.4
    np.testing.assert_allclose(marked.optimum, bad.recipe)


def test_same_seed_same_front_and_none_dominated():
    objective = make_objective()
    optimum = Optimum((91.0, 57.0, 27.0), 0.0, {})
    fronts = [find_front(objective, BOX, optimum, 40, 20, seed) for seed in (5, 5, 6)]
    xr.testing.assert_identical(fronts[0], fronts[1])
    assert not fronts[0].equals(fronts[2])
    scaled = fronts[0].scaled.values
    assert len(find_undominated(scaled)) == len(scaled) > 10
    assert BOX.contains(fronts[0].recipe).all()


def test_property_without_weight_is_left_out():
    objective = make_objective(weights={"density": 0, "area": 0})
    front = find_front(objective, BOX, size=20, generations=10)
    assert front.name.values.tolist() == ["conductivity", "tortuosity"]
    np.testing.assert_allclose(
        front.property, objective.predict_properties(front.recipe.values)[:, :2]
    )


def test_undominated_by_hand():
    rows = np.array([[1, 4], [2, 2], [3, 3], [4, 1], [2, 2], [1, 5]])
    assert find_undominated(rows).tolist() == [0, 1, 3]
