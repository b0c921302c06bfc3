import numpy as np
import pytest

from coatline.optimise.objective import Aim, Objective, make_aims
from tests.optimise.stand_in import BOX, Analytic, make_objective

DATASET = {
    "density": np.array([2.0, 3.0, np.nan, 2.5]),
    "tortuosity": np.array([1.0, 5.0, np.nan, 2.0]),
    "porosity": np.array([40.0, 40.0, np.nan, 40.0]),
}
GOALS = {"density": "maximise", "tortuosity": "minimise"}
SURROGATES = {
    "density": Analytic(lambda a, s, c: 2 + a),
    "tortuosity": Analytic(lambda a, s, c: 1 + 4 * c),
}


def test_ranges_of_the_dataset_without_failed_samples():
    density, tortuosity = make_aims(DATASET, GOALS, {"tortuosity": 3})
    assert density == Aim("density", "maximise", 2.0, 3.0, 1.0)
    assert tortuosity == Aim("tortuosity", "minimise", 1.0, 5.0, 3.0)


@pytest.mark.parametrize(
    ("density", "tortuosity", "expected"),
    [
        (3.0, 1.0, 0.0),  # best of both
        (2.0, 5.0, 1.0),  # worst of both
        (2.5, 1.0, 0.125),  # (0.5² + 0) / 2
        (3.0, 2.0, 0.03125),  # (0 + 0.25²) / 2
        (2.75, 4.0, 0.3125),  # (0.25² + 0.75²) / 2
        (9.0, 0.1, 0.0),  # clipped at the best
        (1.0, 80.0, 1.0),  # clipped at the worst
    ],
)
def test_equation_3_by_hand(density, tortuosity, expected):
    objective = Objective(make_aims(DATASET, GOALS), SURROGATES)
    assert objective.score([density, tortuosity]) == pytest.approx(expected, abs=1e-15)


def test_weights_by_hand():
    aims = make_aims(DATASET, GOALS, {"density": 3, "tortuosity": 1})
    objective = Objective(aims, SURROGATES)
    assert objective.score([2.5, 5.0]) == pytest.approx((3 * 0.25 + 1) / 4)
    tenfold = make_aims(DATASET, GOALS, {"density": 30, "tortuosity": 10})
    assert Objective(tenfold, SURROGATES).score([2.5, 5.0]) == pytest.approx((3 * 0.25 + 1) / 4)
    alone = make_aims(DATASET, GOALS, {"tortuosity": 0})
    assert Objective(alone, SURROGATES).score([2.5, 5.0]) == pytest.approx(0.25)


def test_recipes_of_any_shape():
    objective = Objective(make_aims(DATASET, GOALS), SURROGATES)
    one = objective.evaluate(np.array([91, 60, 19.5]))
    assert one.shape == () and one == pytest.approx((0.5**2 + 0.5**2) / 2)
    many = objective.evaluate(np.broadcast_to([91, 60, 19.5], (4, 5, 3)))
    np.testing.assert_allclose(many, np.full((4, 5), 0.25))
    assert np.isnan(objective.score([[np.nan, 2.0]])).all()


def test_other_surrogates_same_aims():
    objective = Objective(make_aims(DATASET, GOALS), SURROGATES)
    shifted = objective.replace({**SURROGATES, "density": Analytic(lambda a, s, c: 3 - 0 * a)})
    assert shifted.aims == objective.aims
    assert shifted.evaluate(np.array([85, 60, 2])) == pytest.approx(0)


def test_default_goals_are_the_papers():
    names = (
        "effective_electronic_conductivity",
        "tortuosity_factor",
        "active_surface_area",
        "density",
    )
    aims = make_aims({name: np.arange(3.0) for name in names})
    minimised = {aim.name for aim in aims if aim.goal == "minimise"}
    assert tuple(aim.name for aim in aims) == names and minimised == {"tortuosity_factor"}


@pytest.mark.parametrize(
    ("goals", "weights", "message"),
    [
        ({"strength": "maximise"}, {}, "no property 'strength', but density, tortuosity"),
        ({"density": "maximize"}, {}, "goal of density must be minimise or maximise"),
        ({"porosity": "minimise"}, {}, "porosity is 40 in all of the dataset; a constant"),
        (GOALS, {"density": 0, "tortuosity": 0}, "weights add up to 0"),
        (GOALS, {"density": -1}, "weight of density must be 0 or more, got -1"),
        (GOALS, {"density": float("nan")}, "weight of density must be 0 or more"),
        (GOALS, {"porosity": 1}, "weight is given for 'porosity', which is none of density"),
        ({}, {}, "no property is asked for"),
    ],
)
def test_aims_that_cannot_be_used(goals, weights, message):
    with pytest.raises(ValueError, match=message):
        make_aims(DATASET, goals, weights)


def test_all_samples_failed():
    with pytest.raises(ValueError, match="density has 0 values in the dataset; at least 2"):
        make_aims({"density": np.full(9, np.nan)}, {"density": "maximise"})


def test_objective_that_cannot_be_used():
    aims = make_aims(DATASET, GOALS)
    with pytest.raises(ValueError, match="no surrogate for 'tortuosity', only for density"):
        Objective(aims, {"density": SURROGATES["density"]})
    with pytest.raises(ValueError, match="stands twice"):
        Objective((*aims, aims[0]), SURROGATES)
    with pytest.raises(ValueError, match="2 properties are needed"):
        Objective(aims, SURROGATES).score(np.zeros((5, 3)))
    pole = {**SURROGATES, "density": Analytic(lambda a, s, c: np.where(a > 0.9, np.nan, 2 + a))}
    with pytest.raises(ValueError, match=r"surrogate of density has no value at recipe \[97"):
        Objective(aims, pole).evaluate(np.array([[85.0, 55, 2], [97.0, 55, 2]]))


def test_between_0_and_1_everywhere():
    value = make_objective().evaluate(BOX.spread(512, 9))
    assert value.min() > 0 and value.max() < 1 and np.ptp(value) > 0.2
