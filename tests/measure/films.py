"""Films made without the particle engine."""

import numpy as np

from coatline.manufacture.state import AM, CBD, Particles
from coatline.measure.contacts import find_pairs


def make_particles(spheres, side=(10.0, 10.0)):
    """Particles from rows (x, y, z, diameter, phase)."""
    table = np.array(spheres, float).reshape(-1, 5)
    return Particles(table[:, :3], table[:, 3], table[:, 4].astype(np.uint8), side)


def pack(seed, side, height, am=(), am_fraction=0.0, bead=2.0, cbd_fraction=0.0, steps=200):
    """Random spheres pushed apart until they hardly overlap, between two plates."""
    rng = np.random.default_rng(seed)
    diameter, filled = [], 0.0
    while filled < am_fraction * side**2 * height:
        diameter.append(rng.choice(am))
        filled += np.pi / 6 * diameter[-1] ** 3
    beads = int(cbd_fraction * side**2 * height / (np.pi / 6 * bead**3))
    phase = np.array([AM] * len(diameter) + [CBD] * beads, np.uint8)
    diameter = np.array(diameter + [bead] * beads)
    radius = diameter / 2
    position = rng.random((len(diameter), 3)) * [side, side, height]
    for _ in range(steps):
        position[:, :2] %= side
        position[:, 2] = np.clip(position[:, 2], radius, height - radius)
        pairs = find_pairs(Particles(position, diameter, phase, (side, side)))
        push = 0.6 * (radius[pairs.first] + radius[pairs.second] - pairs.distance)
        push = push[:, None] * pairs.vector / np.maximum(pairs.distance, 1e-9)[:, None]
        first, second = radius[pairs.first] ** 3, radius[pairs.second] ** 3
        np.subtract.at(position, pairs.first, push * (second / (first + second))[:, None])
        np.add.at(position, pairs.second, push * (first / (first + second))[:, None])
    position[:, :2] %= side
    return Particles(position, diameter, phase, (side, side))
