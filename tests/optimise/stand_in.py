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
    "conductivity": Analytic(lambda a, s, c: np.exp(1.2 * c - 1.5 * a - 0.5 * (s - 0.3) ** 2)),
    "tortuosity": Analytic(lambda a, s, c: 1 + np.exp(0.6 * (1 - a) + 1.2 * c**2 + 0.3 * s)),
    "area": Analytic(lambda a, s, c: 50 + 20 * a - 12 * c - 8 * (s - 0.4) ** 2 - 9 * (a - 0.5) ** 2),
    "density": Analytic(lambda a, s, c: 2 + 0.5 * a + 0.9 * c - 0.2 * s),
}
"""Four properties that pull in different directions, as those of electrodes do."""


def measure(surrogates, recipes):
    return {name: surrogate.predict(recipes) for name, surrogate in surrogates.items()}


def make_objective(surrogates=ELECTRODE, goals=GOALS, box=BOX, weights=None):
    """Objective scaled over a dataset of 256 recipes."""
    return Objective(make_aims(measure(surrogates, box.spread(256, 5)), goals, weights), surrogates)
