"""Analytic stand-ins for surrogates and for a campaign."""

import numpy as np

from coatline.optimise.box import Box
from coatline.optimise.objective import Objective, make_aims

BOX = Box(((85, 97), (55, 72), (2, 37)))
GOALS = {
    "conductivity": "maximise",
    "tortuosity": "minimise",
    "area": "maximise",
    "density": "maximise",
}


class Analytic:
    """A surrogate that is a function of the recipes in the unit box."""

    def __init__(self, function, box=BOX):
        self.function, self.box = function, box

    def predict(self, X):
        return self.function(*self.box.to_unit(X).T)


ELECTRODE = {
    "conductivity": Analytic(lambda a, s, c: (0.2 + c) / (1 + np.exp(14 * (a - 0.62 + 0.15 * s)))),
    "tortuosity": Analytic(
        lambda a, s, c: 1.5 + 1.2 * (1 - a) + np.exp(5 * (c - 0.75)) + 0.3 * (s - 0.3) ** 2
    ),
    "area": Analytic(lambda a, s, c: 50 + 25 * a - 12 * c - 15 * (s - 0.4) ** 2),
    "density": Analytic(lambda a, s, c: 2 + 0.5 * a + 0.9 * c - 0.2 * s),
}
"""Four properties that pull in different directions, as those of electrodes do.

Conductivity falls where carbon no longer percolates, tortuosity rises where pores close.
"""


def measure(surrogates, recipes):
    return {name: surrogate.predict(recipes) for name, surrogate in surrogates.items()}


def make_objective(surrogates=ELECTRODE, goals=GOALS, box=BOX, weights=None):
    """Objective scaled over a dataset of 256 recipes."""
    return Objective(make_aims(measure(surrogates, box.spread(256, 5)), goals, weights), surrogates)
