"""The design: its recipes, its ids, and that both stay as it grows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.design.table import make_design, van_der_corput

RANGES = {
    "active_material": (85.0, 97.0),
    "solid_content": (55.0, 72.0),
    "compression_rate": (2.0, 37.0),
}

GOLDEN = [
    ("y00c0", 86.8656, 65.0087, 23.2636),
    ("y00c1", 86.8656, 65.0087, 5.7636),
    ("y00c2", 86.8656, 65.0087, 32.0136),
    ("y00c3", 86.8656, 65.0087, 14.5136),
    ("y01c0", 93.2976, 60.7775, 15.9875),
    ("y01c1", 93.2976, 60.7775, 33.4875),
    ("y01c2", 93.2976, 60.7775, 24.7375),
    ("y01c3", 93.2976, 60.7775, 7.2375),
    ("y02c0", 94.5286, 67.9145, 30.5968),
    ("y02c1", 94.5286, 67.9145, 13.0968),
    ("y02c2", 94.5286, 67.9145, 4.3468),
    ("y02c3", 94.5286, 67.9145, 21.8468),
    ("y03c0", 89.3846, 55.2498, 8.1374),
    ("y03c1", 89.3846, 55.2498, 25.6374),
    ("y03c2", 89.3846, 55.2498, 16.8874),
    ("y03c3", 89.3846, 55.2498, 34.3874),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("points")


def rows(design):
    return [(r.active_material, r.solid_content, r.compression_rate) for r in design]


def ids(design):
    return {row.sample: row for row in design}


def test_first_sixteen_rows_are_golden():
    design = make_design("shared-slurries", seed=1, slurries=4, compressions=4)
    assert [(r.sample, *v) for r, v in zip(design, rows(design), strict=True)] == GOLDEN


def test_van_der_corput():
    assert [van_der_corput(k) for k in range(8)] == [0, 0.5, 0.25, 0.75, 0.125, 0.625, 0.375, 0.875]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 5),
    st.integers(1, 40),
    st.integers(0, 60),
    st.integers(1, 12),
    st.integers(0, 12),
)
def test_growing_shared_slurries_keeps_ids_and_recipes(cache, seed, slurries, more, few, extra):
    def make(slurries, compressions):
        return ids(
            make_design(
                "shared-slurries",
                seed=seed,
                slurries=slurries,
                compressions=compressions,
                cache=cache,
            )
        )

    small, large = make(slurries, few), make(slurries + more, few + extra)
    assert len(large) == (slurries + more) * (few + extra)
    assert small.items() <= large.items()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.integers(1, 30), st.integers(0, 40), st.booleans())
def test_growing_saltelli_keeps_ids_and_recipes(cache, seed, samples, more, whole):
    def make(samples):
        return make_design(
            "saltelli", seed=seed, samples=samples, second_order=whole, cache=cache
        ).samples

    small = make(samples)
    assert len(small) == samples * (8 if whole else 5)
    assert make(samples + more)[: len(small)] == small


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.integers(1, 30), st.integers(0, 40), st.integers(0, 40))
def test_growing_random_samples_keeps_ids_and_recipes(cache, seed, slurries, some, more):
    def make(samples):
        return make_design(
            "random", seed=seed, slurries=slurries, samples=samples, cache=cache
        ).samples

    small = make(slurries + some)
    assert make(slurries + some + more)[: len(small)] == small


def test_more_random_slurries_keep_the_slurries(cache):
    few = make_design("random", slurries=5, samples=60, cache=cache).slurries
    many = make_design("random", slurries=9, samples=60, cache=cache).slurries
    assert len(many) == 9
    for name, slurry in few.items():
        assert many[name].active_material == slurry.active_material
        assert many[name].solid_content == slurry.solid_content


def test_recipes_added_at_the_end_keep_ids():
    own = [(90, 60, 10), (96, 69, 0), (90, 60, 20)]
    assert (
        make_design("recipes", recipes=own).samples
        == (make_design("recipes", recipes=[*own, (96, 69, 5)]).samples[:3])
    )


def test_replicates_are_further_slurries_of_each_recipe():
    own = [(96, 69, 10), (90, 55, 0), (96, 69, 20)]
    design = make_design("recipes", recipes=own, replicates=2)
    assert [row.sample for row in design] == [
        "y00c0",
        "y00r1c0",
        "y01c0",
        "y01r1c0",
        "y00c1",
        "y00r1c1",
    ]
    assert design.slurries["y00r1"].samples == ("y00r1c0", "y00r1c1")
    assert {design[name].compression_rate for name in ("y00c1", "y00r1c1")} == {20}


@given(st.integers(1, 5), st.integers(0, 4), st.integers(0, 3))
def test_more_replicates_and_recipes_keep_ids(replicates, more, added):
    own = [(96, 69, 10), (90, 55, 0), (96, 69, 20)]
    new = [(85, 60 + i, 5) for i in range(added)] + [(96, 69, 30)]
    small = make_design("recipes", recipes=own, replicates=replicates).by_sample
    large = make_design("recipes", recipes=[*own, *new], replicates=replicates + more).by_sample
    assert all(large[name] == row for name, row in small.items())
    assert len(large) == (len(own) + len(new)) * (replicates + more)


bounds = st.floats(0, 0.999).flatmap(
    lambda low: st.floats(0, 30).map(lambda width: (50 + 20 * low, 50 + 20 * low + width))
)


@settings(max_examples=60, deadline=None)
@given(bounds, bounds, bounds, st.sampled_from(["shared-slurries", "random", "saltelli"]))
def test_rows_are_plain_rounded_floats_within_their_ranges(cache, first, second, third, kind):
    numbers = {
        "shared-slurries": {"slurries": 9, "compressions": 4},
        "random": {"slurries": 9, "samples": 40},
        "saltelli": {"samples": 5},
    }[kind]
    design = make_design(
        kind,
        **numbers,
        active_material=first,
        solid_content=second,
        compression_rate=third,
        cache=cache,
    )
    for row in rows(design):
        for value, (lower, upper) in zip(row, (first, second, third), strict=True):
            assert type(value) is float
            assert lower <= value <= upper
            assert value == round(value, 4) or value in (lower, upper)


def test_ids_follow_slurry_and_compression(cache):
    design = make_design("shared-slurries", slurries=101, compressions=11, cache=cache)
    assert [row.sample for row in design][:2] == ["y00c0", "y00c1"]
    assert design.samples[-1].sample == "y100c10"
    assert design["y07c3"].slurry == "y07"
    assert len(ids(design)) == len(design) == 1111
    assert design.slurries["y07"].samples[3] == "y07c3"


def test_shared_slurries_are_the_sobol_rows_with_shifted_compressions(cache):
    from SALib.sample import sobol

    problem = {
        "num_vars": 3,
        "names": list(RANGES),
        "bounds": [list(limits) for limits in RANGES.values()],
    }
    sequence = sobol.sample(problem, 32, calc_second_order=False, scramble=True, seed=3)[::5]
    design = make_design(
        "shared-slurries", seed=3, slurries=29, compressions=6, cache=cache, **RANGES
    )
    np.testing.assert_allclose([r for r in rows(design)[::6]], sequence[:29], atol=6e-5)
    for j in range(29):
        rates = np.array([design[f"y{j:02d}c{k}"].compression_rate for k in range(6)])
        shifts = (rates - rates[0]) / 35 % 1.0
        expected = np.array([0, 0.5, 0.25, 0.75, 0.125, 0.625])
        np.testing.assert_allclose((shifts - expected + 0.5) % 1, 0.5, atol=1e-5)


@pytest.mark.parametrize("whole", [True, False])
def test_saltelli_blocks_are_intact_for_salib(cache, whole):
    from SALib.sample import sobol

    problem = {
        "num_vars": 3,
        "names": list(RANGES),
        "bounds": [list(limits) for limits in RANGES.values()],
    }
    expected = sobol.sample(problem, 16, calc_second_order=whole, scramble=True, seed=2)
    design = make_design("saltelli", seed=2, samples=16, second_order=whole, cache=cache, **RANGES)
    np.testing.assert_allclose(rows(design), expected, atol=6e-5)
    assert len(design.slurries) == 4 * 16


def test_saltelli_design_gives_the_sobol_indices_of_a_linear_law(cache):
    from SALib.analyze import sobol

    problem = {
        "num_vars": 3,
        "names": list(RANGES),
        "bounds": [list(limits) for limits in RANGES.values()],
    }
    design = make_design("saltelli", samples=512, cache=cache)
    # Variances 12²/12, (17/17·12)²/12 … chosen so that the first-order shares are 1/6, 2/6, 3/6.
    weights = np.sqrt([1, 2, 3]) / [12, 17, 35]
    found = sobol.analyze(problem, np.array(rows(design)) @ weights, seed=1)
    np.testing.assert_allclose(found["S1"], [1 / 6, 2 / 6, 3 / 6], atol=0.01)


def test_random_deals_compressions_of_the_sequence_to_a_few_of_its_slurries(cache):
    design = make_design("random", slurries=29, samples=174, cache=cache)
    sequence = make_design("saltelli", samples=87, cache=cache)
    pairs = {(r.active_material, r.solid_content) for r in sequence}
    rates = {r.compression_rate for r in sequence}
    assert len(design) == 174
    assert len(design.slurries) == 29
    assert {(r.active_material, r.solid_content) for r in design} <= pairs
    assert {r.compression_rate for r in design} == rates
    assert {len(slurry.samples) for slurry in design.slurries.values()} == {6}
    assert len(set(rows(design))) == 174


def test_random_deal_depends_on_the_seed_and_has_no_order(cache):
    design = make_design("random", slurries=5, samples=400, cache=cache)
    assert rows(design) != rows(make_design("random", seed=2, slurries=5, samples=400, cache=cache))
    names = [row.slurry for row in design]
    packs = [tuple(names[start : start + 5]) for start in range(0, 400, 5)]
    assert all(len(set(pack)) == 5 for pack in packs)
    assert len(set(packs)) > 40  # of 120 orders, 80 draws
    values = np.array(rows(design))
    assert abs(np.corrcoef(values[:, 0], values[:, 2])[0, 1]) < 0.15


def test_equal_recipes_share_a_slurry():
    design = make_design("recipes", recipes=[(90, 60, 10), (96, 69, 0), (90.00001, 60, 20)])
    assert [row.sample for row in design] == ["y00c0", "y01c0", "y00c1"]
    assert design.slurries["y00"].samples == ("y00c0", "y00c1")


def test_shared_slurries_cover_the_box_better_than_chance(cache):
    from scipy.stats import qmc

    values = np.array(
        rows(make_design("shared-slurries", slurries=29, compressions=6, cache=cache))
    )
    limits = np.array(list(RANGES.values())).T
    covered = qmc.discrepancy((values - limits[0]) / (limits[1] - limits[0]))
    chance = [qmc.discrepancy(np.random.default_rng(seed).random((174, 3))) for seed in range(20)]
    assert covered < min(chance)


@pytest.mark.parametrize(
    ("kind", "numbers"),
    [
        ("shared", {}),
        ("shared-slurries", {"slurries": 4}),
        ("random", {"slurries": 4, "samples": 3}),
        ("saltelli", {"samples": 0}),
        ("recipes", {}),
        ("recipes", {"recipes": [(90, 60)]}),
        ("recipes", {"recipes": [(90, 60, 5)], "replicates": -1}),
    ],
)
def test_misuse_is_refused(kind, numbers):
    with pytest.raises(ValueError):
        make_design(kind, **numbers)
