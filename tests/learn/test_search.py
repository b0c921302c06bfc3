from itertools import combinations

import numpy as np
import pytest

from coatline.learn import search
from coatline.learn.search import search_models


def make_problem(seed, count=40, width=12):
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(count, width)) * 10 ** rng.uniform(-3, 3, width) + 5
    target = features[:, :6] @ (rng.normal(size=6) / features[:, :6].std(axis=0))
    return features, target + rng.normal(size=count)


def squares(features, target, indices):
    columns = np.column_stack([np.ones(len(target)), features[:, indices]])
    coefficients = np.linalg.lstsq(columns / np.abs(columns).max(axis=0), target, rcond=None)[0]
    return float(((columns / np.abs(columns).max(axis=0) @ coefficients - target) ** 2).sum())


@pytest.mark.parametrize("price", [0.0, 1.5])
@pytest.mark.parametrize("seed", range(4))
def test_best_of_all_tuples(seed, price):
    features, target = make_problem(seed)
    nodes = np.sort(np.random.default_rng(seed).integers(1, 8, features.shape[1]))
    found = search_models(features, target, 4, screened=12, nodes=nodes, price=price)
    for terms in (1, 2, 3, 4):
        score = {
            indices: squares(features, target, list(indices))
            * np.exp(2 * price * nodes[list(indices)].sum() / len(target))
            for indices in combinations(range(features.shape[1]), terms)
        }
        ranked = sorted(score, key=score.get)
        models = found[terms - 1]
        assert [model.indices for model in models[:5]] == ranked[:5]
        best = models[0]
        assert best.squares == pytest.approx(squares(features, target, list(ranked[0])), rel=1e-9)
        left = target - best.evaluate(features)
        assert left @ left == pytest.approx(best.squares, rel=1e-9)


@pytest.mark.parametrize("terms", [5, 6])
def test_terms_beyond_the_exhaustive_are_exchanged(terms, monkeypatch):
    """Many features that stand in for those of the truth: adding alone does not find them."""
    rng = np.random.default_rng(terms)
    truth = rng.normal(size=(60, terms))
    stand_ins = [
        truth @ rng.normal(size=(terms, 3)) + 0.02 * rng.normal(size=(60, 3)) for _ in range(20)
    ]
    features = np.hstack([truth, *stand_ins])
    target = truth.sum(axis=1)
    exact = tuple(range(terms))

    def best():
        return search_models(features, target, terms)[-1][0]

    assert best().indices == exact and best().squares < 1e-20 * target @ target
    monkeypatch.setattr(search, "EXCHANGES", 0)
    assert best().indices != exact


def test_price_changes_the_choice():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 1))
    features = np.hstack([x, x + 0.02 * rng.normal(size=(50, 1))])
    target = features[:, 1] + 0.1 * rng.normal(size=50)
    nodes = np.array([1, 9])
    assert search_models(features, target, 1, nodes=nodes)[0][0].indices == (1,)
    assert search_models(features, target, 1, nodes=nodes, price=1.0)[0][0].indices == (0,)


def test_screening_finds_what_residuals_show(monkeypatch):
    monkeypatch.setattr(search, "EXHAUSTIVE", 0)
    # Feature 40 explains little by itself, and all that feature 50 leaves.
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 80))
    target = 100 * features[:, 50] + features[:, 40]
    nodes = np.full(80, 9)  # none small enough to be in the pool from the start
    models = search_models(features, target, 2, screened=2, nodes=nodes)[1]
    assert models[0].indices == (40, 50)
    assert models[0].coefficients == pytest.approx((1, 100), rel=1e-12)
    assert models[0].intercept == pytest.approx(0, abs=1e-12)


def test_pairs_of_all_features(monkeypatch):
    # Two features that hide each other: neither is correlated with their difference.
    rng = np.random.default_rng(5)
    features = rng.normal(size=(200, 150))
    features[:, 149] = features[:, 70] + 0.01 * features[:, 149]
    target = features[:, 70] - features[:, 149] + 0.005 * features[:, 0]
    nodes = np.full(150, 9)
    best = search_models(features, target, 2, screened=3, nodes=nodes)[1][0]
    assert best.indices == (70, 149)
    monkeypatch.setattr(search, "EXHAUSTIVE", 0)
    assert search_models(features, target, 2, screened=3, nodes=nodes)[1][0].indices != (70, 149)


def test_small_features_are_in_the_pool_from_the_start(monkeypatch):
    # Feature 60 is crowded out by its like: 61 is a little closer to the data, but far larger.
    monkeypatch.setattr(search, "SHORTLIST", 1)
    rng = np.random.default_rng(6)
    features, noise = rng.normal(size=(200, 150)), 0.2 * rng.normal(size=200)
    target = features[:, [40, 50, 60]] @ [10.0, 5.0, 1.0] + noise
    features[:, 61] = features[:, 60] + 0.02 * noise
    nodes = np.full(150, 9)
    nodes[60] = 1
    found = search_models(features, target, 3, screened=1, nodes=nodes, price=1.0)[2][0]
    assert found.indices == (40, 50, 60)
    monkeypatch.setattr(search, "SMALL", 0)
    found = search_models(features, target, 3, screened=1, nodes=nodes, price=1.0)[2][0]
    assert found.indices == (40, 50, 61)


def test_equal_fits_go_to_the_simpler():
    rng = np.random.default_rng(2)
    x = rng.normal(size=60)
    features = np.column_stack([2 * x + 1, x, -x])
    assert search_models(features, 3 * x, 1, nodes=np.array([3, 1, 2]))[0][0].indices == (1,)
    assert search_models(features, 3 * x, 1, nodes=np.array([2, 2, 2]))[0][0].indices == (0,)


def test_collinear_pairs_are_passed_over():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(2, 50))
    features = np.column_stack([x, x * (1 + 1e-9), y, np.full(50, 4.0)])
    found = search_models(features, x + y, 3)
    assert {model.indices for model in found[1]} == {(0, 2), (1, 2)}
    assert found[2] == []


def test_a_small_part_beside_a_large_one():
    # The second feature makes up 1e-7 of the target: lost in scalar products with the target.
    rng = np.random.default_rng(4)
    features = rng.normal(size=(50, 30))
    target = features[:, 3] + 1e-7 * features[:, 17]
    model = search_models(features, target, 2, screened=5)[1][0]
    assert model.indices == (3, 17)
    assert model.coefficients[1] == pytest.approx(1e-7, rel=1e-6)
