"""The box of recipes: ranges of the manufacturing parameters, in %."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from coatline.design.file import COLUMNS
from coatline.design.table import DECIMALS

INPUTS = COLUMNS[2:]
"""Manufacturing parameters, in the order of the columns of a recipe."""

Recipe = tuple[float, ...]


@dataclass(frozen=True)
class Box:
    """Ranges that recipes are sought in.

    Attributes:
        edges: (low, high) of each input, %.
        names: of the inputs.
    """

    edges: tuple[tuple[float, float], ...]
    names: tuple[str, ...] = INPUTS

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ValueError: another number of ranges than of names, or a range without extent.
        """
        edges = tuple((float(low), float(high)) for low, high in self.edges)
        if len(edges) != len(self.names) or not edges:
            raise ValueError(f"box: {len(edges)} ranges for {len(self.names)} inputs")
        for name, (low, high) in zip(self.names, edges, strict=True):
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                raise ValueError(f"box: the range of {name} must go up, got {low:g} to {high:g}")
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "names", tuple(self.names))

    @property
    def low(self) -> np.ndarray:
        """(d,) lower ends, %."""
        return np.array([low for low, _ in self.edges])

    @property
    def high(self) -> np.ndarray:
        """(d,) upper ends, %."""
        return np.array([high for _, high in self.edges])

    def to_unit(self, recipes: np.ndarray) -> np.ndarray:
        """Scale recipes (..., d) in % to [0, 1]."""
        return (np.asarray(recipes, dtype=float) - self.low) / (self.high - self.low)

    def from_unit(self, units: np.ndarray) -> np.ndarray:
        """Scale (..., d) in [0, 1] to recipes in %, never out of the box."""
        recipes = self.low + np.asarray(units, dtype=float) * (self.high - self.low)
        return np.clip(recipes, self.low, self.high)

    def contains(self, recipes: np.ndarray) -> np.ndarray:
        """Whether recipes (..., d) lie in the box, its faces included: (...)."""
        recipes = np.asarray(recipes, dtype=float)
        return ((recipes >= self.low) & (recipes <= self.high)).all(axis=-1)

    def round(self, recipe: np.ndarray) -> Recipe:
        """Round a recipe (d,) to 1e-4 %, as those of a design are, but never out of the box."""
        rounded = np.clip(np.round(np.asarray(recipe, dtype=float), DECIMALS), self.low, self.high)
        return tuple(rounded.tolist())

    def spread(self, count: int, seed: int) -> np.ndarray:
        """Spread recipes evenly: the first rows of a scrambled Sobol sequence.

        Args:
            count: number of recipes; with a larger one the first stay the same.
            seed: of the scrambling.

        Returns:
            (count, d) in %.
        """
        sequence = qmc.Sobol(len(self.edges), rng=np.random.default_rng(seed))
        return self.from_unit(sequence.random_base2(max(count - 1, 1).bit_length())[:count])
