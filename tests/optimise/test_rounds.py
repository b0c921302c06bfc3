import numpy as np
import pytest
from scipy.stats import wilcoxon

from coatline.optimise.objective import Aim, Objective
from coatline.optimise.rounds import (
    DRAWS,
    Samples,
    draw_objective,
    form_belief,
    measure_gain,
    propose_batch,
    recommend_recipe,
)
from coatline.optimise.search import find_global
from tests.optimise.stand_in import BOX, Analytic, make_objective

OBJECTIVE = make_objective()
LINE = Objective([Aim("y", "minimise", 0.0, 1.0)], {"y": Analytic(lambda a, s, c: a)})


def make(objective, recipes, seed, noise=0.02):
    """Properties of recipes with noise of a share of their ranges."""
    exact = objective.predict_properties(recipes)
    widths = noise * np.array([aim.high - aim.low for aim in objective.aims])
    return exact + widths * np.random.default_rng(seed).standard_normal(exact.shape)


def make_samples(count=14, seed=0, objective=OBJECTIVE):
    recipes = BOX.spread(count, seed)
    return Samples(recipes, make(objective, recipes, seed))


def test_beats_as_many_sobol_samples():
    # 12 samples of the design, then 4 rounds of 4 against the next 16 of the design, over 20 seeds.
    # Both recommend a recipe in the same way; its regret is what is left to the true optimum.
    least = find_global(OBJECTIVE, BOX).value
    regrets = []
    for seed in range(20):
        design = BOX.spread(28, seed)
        measured = make(OBJECTIVE, design, [1, seed])
        recipes, properties = design[:12], measured[:12]
        for number in range(4):
            batch = propose_batch(
                Samples(recipes, properties), OBJECTIVE.aims, BOX, 4, seed=100 * seed + number
            )
            new = np.array([recipe for recipe, _, _ in batch])
            recipes = np.vstack([recipes, new])
            properties = np.vstack([properties, make(OBJECTIVE, new, [2, seed, number])])
        regrets.append(
            [
                float(OBJECTIVE.evaluate(np.array(recommend_recipe(samples, OBJECTIVE.aims, BOX))))
                - least
                for samples in (Samples(recipes, properties), Samples(design, measured))
            ]
        )
    loop, sobol = np.array(regrets).T
    chance = wilcoxon(loop, sobol, alternative="less").pvalue
    print(f"median regret {np.median(loop):.1e} against {np.median(sobol):.1e}, p = {chance:.1e}")
    assert loop.min() >= -1e-9
    assert chance < 0.01 and np.median(loop) < np.median(sobol) / 1.5


def test_same_again_for_any_order_of_samples():
    samples = make_samples()
    order = np.random.default_rng(1).permutation(14)
    shuffled = Samples(samples.recipes[order], samples.properties[order])
    assert shuffled.hash() == samples.hash()
    batches = [propose_batch(one, OBJECTIVE.aims, BOX, 3, seed=4) for one in (samples, shuffled)]
    assert batches[0] == batches[1]
    assert propose_batch(samples, OBJECTIVE.aims, BOX, 3, seed=5) != batches[0]
    # A larger batch begins with the smaller one.
    assert propose_batch(samples, OBJECTIVE.aims, BOX, 2, seed=4) == batches[0][:2]


def test_hash_depends_on_every_part():
    recipes, properties = BOX.spread(4, 0), np.arange(8.0).reshape(4, 2)
    changed = properties.copy()
    changed[3, 1] = np.nan
    many = {
        Samples(recipes, properties).hash(),
        Samples(recipes[::-1], properties).hash(),
        Samples(recipes, changed).hash(),
        Samples(recipes, properties, ("a", "a", "b", "b")).hash(),
        Samples(recipes, properties, ("a", "b", "b", "b")).hash(),
        Samples(recipes[:3], properties[:3]).hash(),
    }
    assert len(many) == 6 and {len(one) for one in many} == {16}


def test_batch_spreads_out_and_keeps_off_what_is_pending():
    samples = make_samples()
    batch = propose_batch(samples, OBJECTIVE.aims, BOX, 5, seed=2)
    units = BOX.to_unit([recipe for recipe, _, _ in batch])
    apart = np.linalg.norm(units[:, None] - units, axis=-1)[np.triu_indices(5, 1)]
    assert apart.min() > 0.01 and BOX.contains([recipe for recipe, _, _ in batch]).all()
    first = batch[0][0]
    again = propose_batch(samples, OBJECTIVE.aims, BOX, 1, pending=[first] * 5, seed=2)
    assert np.linalg.norm(BOX.to_unit(again[0][0]) - units[0]) > 0.05


def test_a_failed_recipe_is_not_worth_another_try():
    samples = make_samples()
    first = propose_batch(samples, OBJECTIVE.aims, BOX, 1, seed=2)[0][0]
    failed = Samples(
        np.vstack([samples.recipes, [first] * 5]),
        np.vstack([samples.properties, np.full((5, 4), np.nan)]),
    )
    assert np.isfinite(failed.properties).all(axis=1).sum() == 14
    again = propose_batch(failed, OBJECTIVE.aims, BOX, 1, seed=2)[0][0]
    pending = propose_batch(samples, OBJECTIVE.aims, BOX, 1, pending=[first] * 5, seed=2)[0][0]
    assert again == pending != first


def lack(samples, index, rows):
    """The same samples, some of which lack one property."""
    properties = samples.properties.copy()
    properties[rows, index] = np.nan
    return Samples(samples.recipes, properties, samples.slurry)


def test_a_missing_property_leaves_the_others_what_they_were():
    whole = make_samples()
    part = lack(whole, 0, [2, 5, 9])
    assert np.isfinite(part.properties).all(axis=1).sum() == 11
    one, other = (form_belief(samples, OBJECTIVE.aims, BOX) for samples in (whole, part))
    assert [len(process.values) for process in other.processes] == [11, 14, 14, 14]
    units = BOX.to_unit(BOX.spread(5, 3))
    for index in (1, 2, 3):
        both = (belief.processes[index].predict(units) for belief in (one, other))
        np.testing.assert_array_equal(*both)
    # A recipe without conductivity is not worth another try for that alone.
    grown = other.add(units[0], [True, False, False, False])
    assert [len(process.values) for process in grown.processes] == [12, 14, 14, 14]
    batch = propose_batch(part, OBJECTIVE.aims, BOX, 2, seed=2)
    assert all(np.isfinite([mean, deviation]).all() for _, mean, deviation in batch)
    assert BOX.contains(recommend_recipe(part, OBJECTIVE.aims, BOX))


def test_a_property_that_too_few_samples_have():
    with pytest.raises(ValueError, match="2 samples are too few for conductivity"):
        form_belief(lack(make_samples(), 0, slice(2, None)), OBJECTIVE.aims, BOX)


def test_gain_and_draws_on_a_logarithmic_scale():
    # A property over decades, whose process is of its logarithm.
    steep = Objective(
        [Aim("y", "maximise", 1.0, np.exp(4))], {"y": Analytic(lambda a, s, c: np.exp(4 * a))}
    )
    recipes = BOX.spread(30, 1)
    noise = np.exp(0.1 * np.random.default_rng(0).standard_normal((30, 1)))
    belief = form_belief(
        Samples(recipes, steep.predict_properties(recipes) * noise), steep.aims, BOX
    )
    assert belief.processes[0].log
    units = BOX.to_unit(BOX.spread(6, 9))
    drawn = np.vstack([draw_objective(belief, units, np.random.default_rng(k)) for k in range(60)])
    mean, deviation = belief.predict(units)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=0.01)
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.15, atol=2e-3)
    # What a sample teaches, by adding it, where C_f is nearly linear.
    gain = measure_gain(belief, units, units)
    assert (gain > 0).all() and np.isfinite(gain).all()


def test_belief_in_the_objective_by_hand():
    # One property, no doubt left at its samples but noise: C_f = a², variance by quadrature.
    recipes = BOX.spread(60, 1)
    samples = Samples(recipes, LINE.predict_properties(recipes))
    belief = form_belief(samples, LINE.aims, BOX)
    units = BOX.to_unit(BOX.spread(30, 2))
    mean, deviation = belief.predict(units)
    np.testing.assert_allclose(mean, units[:, 0] ** 2, atol=5e-3)
    (process,) = belief.processes
    centre, width = process.predict(units)
    inside = (centre - 5 * width > 0) & (centre + 5 * width < 1)
    assert inside.sum() > 10
    np.testing.assert_allclose(mean[inside], (centre**2 + width**2)[inside], rtol=1e-9)
    variance = 4 * centre**2 * width**2 + 2 * width**4
    np.testing.assert_allclose(deviation[inside] ** 2, variance[inside], rtol=1e-6)


def test_draws_have_the_mean_and_deviation_of_the_belief():
    belief = form_belief(make_samples(), OBJECTIVE.aims, BOX)
    units = BOX.to_unit(BOX.spread(6, 9))
    draw = np.random.default_rng(0)
    drawn = np.vstack([draw_objective(belief, units, draw) for _ in range(60)])
    assert drawn.shape == (60 * DRAWS, 6)
    mean, deviation = belief.predict(units)
    np.testing.assert_allclose(drawn.mean(axis=0), mean, atol=5 * deviation.max() / np.sqrt(3840))
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.1)


def test_gain_where_comparison_is_uncertain():
    samples = make_samples()
    belief = form_belief(samples, OBJECTIVE.aims, BOX)
    units = BOX.to_unit(BOX.spread(8, 4))
    # A single promising recipe leaves nothing to compare; what was made ten times teaches less.
    np.testing.assert_allclose(measure_gain(belief, units, units[:1]), 0, atol=1e-20)
    gain = measure_gain(belief, units, units)
    assert (gain > 0).all()
    known = belief
    for _ in range(10):
        known = known.add(units[0])
    assert measure_gain(known, units, units)[0] < gain[0] / 5


def test_samples_that_cannot_be_used():
    recipes = BOX.spread(4, 0)
    with pytest.raises(ValueError, match="rows of the same samples"):
        Samples(recipes, np.zeros((3, 4)))
    with pytest.raises(ValueError, match="rows of the same samples"):
        Samples(recipes, np.zeros((4, 4)), ("a", "b"))
    with pytest.raises(ValueError, match="a recipe is not finite"):
        Samples(recipes * np.nan, np.zeros((4, 4)))
    with pytest.raises(ValueError, match="3 properties for 3 inputs and 4 aims"):
        propose_batch(Samples(recipes, np.zeros((4, 3))), OBJECTIVE.aims, BOX, 1)
    with pytest.raises(ValueError, match="conductivity is 0 for all samples"):
        propose_batch(Samples(recipes, np.zeros((4, 4))), OBJECTIVE.aims, BOX, 1)
    with pytest.raises(ValueError, match="0 samples are too few"):
        propose_batch(Samples(recipes, np.full((4, 4), np.nan)), OBJECTIVE.aims, BOX, 1)
