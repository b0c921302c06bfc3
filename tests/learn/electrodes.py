"""Synthetic electrodes with a known truth, whose samples share slurries."""

import numpy as np

NAMES = ("active_material", "solid_content", "compression_rate")
BOX = ((85.0, 97.0), (55.0, 72.0), (2.0, 37.0))
LOW, HIGH = np.array(BOX).T


def spread_points(count, seed):
    """Inputs (count, 3) all over the box."""
    return LOW + (HIGH - LOW) * np.random.default_rng(seed).random((count, 3))


def make_design(slurries=29, compressions=6, seed=0):
    """Inputs (n, 3) and slurry (n,) of a campaign."""
    slurry = np.repeat(np.arange(slurries), compressions)
    inputs = spread_points(slurries, seed)[slurry]
    inputs[:, 2] = spread_points(len(slurry), seed + 1000)[:, 2]
    return inputs, slurry


def porosity(inputs):
    active, solid, compression = ((inputs - LOW) / (HIGH - LOW)).T
    wave = 0.03 * np.sin(3 * active) * solid
    return 0.55 - 0.06 * active - 0.08 * solid - 0.25 * compression * (1 - 0.3 * compression) + wave


def conductivity(inputs):
    """S/m, over three decades."""
    active, solid, compression = ((inputs - LOW) / (HIGH - LOW)).T
    return 0.2 * np.exp(-5 * active**1.5 + 0.8 * solid + 1.5 * np.tanh(2 * compression))


def add_noise(truth, slurry, offset, noise, seed, log=False):
    """Property with an offset per slurry and noise, deviations of ln y where log."""
    random = np.random.default_rng(seed)
    miss = offset * random.standard_normal(slurry.max() + 1)[slurry]
    miss += noise * random.standard_normal(len(truth))
    return truth * np.exp(miss) if log else truth + miss
