import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coatline.manufacture.state import AM, CBD, Particles
from coatline.measure.contacts import find_pairs, mean_overlap
from tests.measure.films import make_particles


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.floats(0, 1))
def test_pairs_agree_with_brute_force(seed, count, gap):
    rng = np.random.default_rng(seed)
    diameter = rng.choice([0.5, 1.0, 3.0, 4.5], count)
    side = (9.5, 11.0)
    position = rng.random((count, 3)) * [*side, 8]
    particles = Particles(position, diameter, np.full(count, AM, np.uint8), side)
    apart = position[None] - position[:, None]
    expected = 0
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            shifted = np.sqrt(((apart + np.array([i * side[0], j * side[1], 0])) ** 2).sum(axis=2))
            near = shifted < (diameter[:, None] + diameter[None]) / 2 + gap
            expected += np.triu(near, 1).sum()
    pairs = find_pairs(particles, gap)
    assert len(pairs.first) == expected
    assert (diameter[pairs.first] >= diameter[pairs.second]).all()


def test_vector_points_to_the_nearest_image():
    pairs = find_pairs(make_particles([(0.5, 5, 5, 2, AM), (9.5, 5, 5, 2, AM)]))
    assert pairs.distance == pytest.approx([1.0])
    assert abs(pairs.vector[0, 0]) == pytest.approx(1.0)


def test_mean_overlap():
    particles = make_particles([(5, 5, 5, 4, AM), (7.9, 5, 5, 2, CBD), (1, 1, 1, 1, CBD)])
    assert mean_overlap(particles) == pytest.approx(5.0)  # 0.1 of 2
    assert mean_overlap(make_particles([(5, 5, 5, 4, AM)])) == 0
