"""Feature space: every expression that a few operations make of the inputs.

Rung 0 are the inputs. Each further rung applies every operator to all features so far, as in
R. Ouyang, S. Curtarolo, E. Ahmetcik, M. Scheffler and L. M. Ghiringhelli, Phys. Rev. Materials 2
(2018) 083802, section II. Two things differ:

**No poles.** A feature must be defined and of moderate size in all of the box of the inputs, proven
by interval arithmetic, not at the samples alone.

**No repeats.** Of features that a regression with an intercept cannot tell apart, those equal but
for scale, sign and offset, the simplest is kept; they are found by their values at seeded points
of the box. So a space depends on the box alone, not on data.

Units are not compared: the inputs of a recipe are all percentages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from coatline.learn.expressions import (
    OPERATORS,
    TEXT,
    Expression,
    Input,
    Operation,
    check_names,
    write_operation,
)
from coatline.learn.intervals import Interval

DEFAULT_OPERATORS = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "square",
    "cube",
    "sqrt",
    "cbrt",
    "inverse",
    "exp",
    "exp_negative",
    "log",
)
"""All but |a - b|, which has a kink."""

MAGNITUDE = (1e-12, 1e12)
"""A feature's largest magnitude in the box lies between these; keeps out exp of a percentage."""

POINTS = 32
"""Points of the box at which features are compared."""

VARIATION = 1e-6
"""A feature that varies by less than this share of its size is a constant but for rounding."""

TOLERANCE = 1e-7
"""Distance between standardised features (vectors of length 1) that are the same feature."""

CHUNK = 20_000
"""Features computed at once."""


@dataclass(frozen=True)
class FeatureSpace:
    """Distinct features in a fixed order: by rung, then simpler first.

    Attributes:
        names: of the inputs.
        box: (low, high) of each input.
        expressions: (m,) the features.
        rung: (m,) rung of each.
        nodes: (m,) size of each.
    """

    names: tuple[str, ...]
    box: tuple[tuple[float, float], ...]
    expressions: tuple[Expression, ...]
    rung: np.ndarray
    nodes: np.ndarray

    def __len__(self) -> int:
        """Number of features."""
        return len(self.expressions)

    def count(self, rung: int) -> int:
        """Number of features up to a rung; they stand first."""
        return int(np.searchsorted(self.rung, rung, side="right"))

    def evaluate(self, inputs: np.ndarray) -> np.ndarray:
        """Values of all features.

        Args:
            inputs: (n, d) one column for each name.

        Returns:
            (n, m); NaN or infinite only outside the box.
        """
        known: dict[Expression, np.ndarray] = {
            Input(name): column for name, column in zip(self.names, inputs.T.copy(), strict=True)
        }

        def value(expression: Expression) -> np.ndarray:
            if expression not in known:
                arguments = [value(argument) for argument in expression.arguments]
                known[expression] = OPERATORS[expression.operator].apply(*arguments)
            return known[expression]

        with np.errstate(all="ignore"):
            columns = [value(expression) for expression in self.expressions]
        return np.stack(columns, axis=1)


@dataclass(frozen=True)
class _Level:
    """Features so far, with what the next rung needs of them.

    Attributes:
        expressions: (m,) list of features.
        written: (m,) text with short names, and how tightly it binds; orders equal sizes.
        values: (POINTS, m).
        low, high: (m,) bounds over the box.
        rung, nodes: (m,).
    """

    expressions: list[Expression]
    written: list[tuple[str, int]]
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    rung: np.ndarray
    nodes: np.ndarray


def build_features(
    names: Sequence[str],
    box: Sequence[tuple[float, float]],
    rung: int = 2,
    operators: Sequence[str] = DEFAULT_OPERATORS,
    seed: int = 0,
    limit: int = 300_000,
) -> FeatureSpace:
    """Build the feature space over a box.

    Args:
        names: of the inputs.
        box: (low, high) of each input.
        rung: highest rung.
        operators: names of the operations, keys of `OPERATORS`.
        seed: of the points at which features are compared.
        limit: most candidates that a rung may have; 300,000 take about 1 GB.

    Raises:
        ValueError: names, box, rung or operators cannot be used, a rung has more candidates than
            `limit`, or no input varies.
    """
    names = check_names(names)
    box = check_box(names, box)
    unknown = [name for name in operators if name not in OPERATORS]
    if unknown:
        raise ValueError(f"features: no operator {unknown[0]!r}; known are {', '.join(OPERATORS)}")
    if rung < 0:
        raise ValueError(f"features: rung must be 0 or more, got {rung}")
    level = _inputs(names, box, seed)
    if not level.expressions:
        raise ValueError(f"features: none of {', '.join(names)} varies")
    for step in range(1, rung + 1):
        level = _climb(level, step, operators, limit)
    return FeatureSpace(names, box, tuple(level.expressions), level.rung, level.nodes)


def check_box(
    names: Sequence[str], box: Sequence[tuple[float, float]]
) -> tuple[tuple[float, float], ...]:
    """Box as plain floats.

    Raises:
        ValueError: it has not two finite bounds, the lower first, for each name.
    """
    bounds = np.asarray(box, dtype=np.float64)
    if bounds.shape != (len(names), 2):
        raise ValueError(f"box: expected (low, high) for each of {', '.join(names)}, got {box!r}")
    for name, (low, high) in zip(names, bounds, strict=True):
        if not (np.isfinite(low) and np.isfinite(high) and low <= high):
            raise ValueError(f"box: {name} needs finite bounds, low before high, got {low}, {high}")
    return tuple((float(low), float(high)) for low, high in bounds)


def standardise(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns less their means, scaled to length 1.

    Args:
        values: (n, m); columns with NaN or infinity count as constant.

    Returns:
        (n, m) standardised columns, 0 for constant ones; (m,) means; (m,) lengths, 0 for constant
        columns.
    """
    finite = np.isfinite(values).all(axis=0)
    values = np.where(finite, values, 0.0)
    mean = values.mean(axis=0)
    centred = values - mean
    length = np.sqrt((centred**2).sum(axis=0))
    size = np.abs(values).max(axis=0, initial=0.0) * np.sqrt(len(values))
    length = np.where(length > VARIATION * size, length, 0.0)
    return np.where(length > 0, centred / np.where(length > 0, length, 1.0), 0.0), mean, length


def find_distinct(values: np.ndarray) -> np.ndarray:
    """Features that vary and differ from all before them, whatever their scale, sign and offset.

    Args:
        values: (n, m) at some points, simpler features first.

    Returns:
        (m,) bool.
    """
    vectors, _, length = standardise(values)
    keep = length > 0
    # Equal vectors have equal projections on any direction: sort by one, compare neighbours.
    direction = np.random.default_rng(0).standard_normal(len(values))
    direction /= np.linalg.norm(direction)
    projection = np.abs(direction @ vectors)
    order = np.flatnonzero(keep)
    order = order[np.argsort(projection[order], kind="stable")]
    ranked = projection[order]
    shift, near = 1, np.arange(len(order) - 1)
    while len(near):
        near = near[near + shift < len(order)]
        near = near[ranked[near + shift] - ranked[near] <= TOLERANCE]
        first, second = order[near], order[near + shift]
        for start in range(0, len(near), CHUNK):
            one, other = first[start : start + CHUNK], second[start : start + CHUNK]
            a, b = vectors[:, one], vectors[:, other]
            gap = np.minimum(((a - b) ** 2).sum(axis=0), ((a + b) ** 2).sum(axis=0))
            keep[np.maximum(one, other)[gap <= TOLERANCE**2]] = False
        shift += 1
    return keep


def _inputs(names: tuple[str, ...], box: tuple[tuple[float, float], ...], seed: int) -> _Level:
    """Rung 0: the inputs that vary."""
    low, high = np.array(box, dtype=np.float64).reshape(-1, 2).T
    points = low + (high - low) * np.random.default_rng(seed).random((POINTS, len(names)))
    keep = np.flatnonzero(high > low)
    return _Level(
        [Input(names[index]) for index in keep],
        [(f"x{index}", 4) for index in keep],
        points[:, keep],
        low[keep],
        high[keep],
        np.zeros(len(keep), int),
        np.ones(len(keep), int),
    )


def _climb(level: _Level, rung: int, operators: Sequence[str], limit: int) -> _Level:
    """Add the next rung: all operations with at least one argument from the newest."""
    fresh = level.rung == rung - 1
    unary, pairs = np.flatnonzero(fresh), _pairs(fresh, level.nodes)
    total = sum(
        len(unary) if len(OPERATORS[name].needs) == 1 else len(pairs[0]) * (1 + (name == "divide"))
        for name in operators
    )
    if total > limit:
        raise ValueError(
            f"features: rung {rung} has {total} candidates, more than the limit of {limit}; "
            "use fewer rungs, inputs or operators"
        )
    parts = []
    for name in operators:
        if len(OPERATORS[name].needs) == 1:
            parts += _apply(level, name, (unary,))
        elif name == "divide":
            parts += _apply(level, name, pairs) + _apply(level, name, pairs[::-1])
        elif name == "subtract":
            # The one of a - b and b - a that is positive, if either is.
            turned = level.high[pairs[0]] <= level.low[pairs[1]]
            parts += _apply(level, name, (np.where(turned, *pairs[::-1]), np.where(turned, *pairs)))
        else:
            parts += _apply(level, name, pairs)
    made = [(name, *arguments) for name, indices, *_ in parts for arguments in zip(*indices)]
    written = [
        write_operation(name, [level.written[index] for index in arguments], TEXT)
        for name, *arguments in made
    ]
    size = [1 + sum(int(level.nodes[index]) for index in arguments) for _, *arguments in made]
    order = sorted(range(len(made)), key=lambda k: (size[k], len(written[k][0]), written[k][0]))
    values = np.concatenate([level.values, *(part[2] for part in parts)], axis=1)
    low = np.concatenate([level.low, *(part[3] for part in parts)])
    high = np.concatenate([level.high, *(part[4] for part in parts)])
    old = len(level.expressions)
    arranged = np.r_[np.arange(old), old + np.array(order, int)]
    values, low, high = values[:, arranged], low[arranged], high[arranged]
    # Features of lower rungs stay, whatever the comparison says of them.
    keep = np.flatnonzero(find_distinct(values)[old:])
    chosen = [order[index] for index in keep]
    keep = np.r_[np.arange(old), old + keep]
    expressions = [
        Operation(made[k][0], tuple(level.expressions[index] for index in made[k][1:]))
        for k in chosen
    ]
    return _Level(
        level.expressions + expressions,
        level.written + [written[k] for k in chosen],
        values[:, keep],
        low[keep],
        high[keep],
        np.r_[level.rung, np.full(len(chosen), rung)],
        np.r_[level.nodes, np.array([size[k] for k in chosen], int)],
    )


def _pairs(fresh: np.ndarray, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of features with a fresh one among them; the larger, or else the earlier, first."""
    first, second = np.triu_indices(len(fresh), 1)
    wanted = fresh[first] | fresh[second]
    first, second = first[wanted], second[wanted]
    turned = nodes[second] > nodes[first]
    return np.where(turned, second, first), np.where(turned, first, second)


_Part = tuple[str, tuple[np.ndarray, ...], np.ndarray, np.ndarray, np.ndarray]


def _apply(level: _Level, name: str, indices: tuple[np.ndarray, ...]) -> list[_Part]:
    """Results of one operator that are sound in all of the box: with arguments, values, bounds."""
    operator, parts = OPERATORS[name], []
    for start in range(0, len(indices[0]), CHUNK):
        chosen = tuple(index[start : start + CHUNK] for index in indices)
        with np.errstate(all="ignore"):
            low, high = operator.bound(*((level.low[i], level.high[i]) for i in chosen))
        sound = is_sound((low, high))
        chosen = tuple(index[sound] for index in chosen)
        values = operator.apply(*(level.values[:, index] for index in chosen))
        parts.append((name, chosen, values, low[sound], high[sound]))
    return parts


def is_sound(bounds: Interval) -> np.ndarray:
    """Whether a feature with these bounds has a value of moderate size in all of the box."""
    size = np.maximum(np.abs(bounds[0]), np.abs(bounds[1]))
    return np.isfinite(size) & (size >= MAGNITUDE[0]) & (size <= MAGNITUDE[1])


def box_mapping(
    names: Sequence[str], box: Sequence[tuple[float, float]], cuts: int = 1
) -> dict[str, Interval]:
    """Intervals by name, of the box or of all boxes that it is cut into.

    Args:
        names: of the inputs.
        box: (low, high) of each input.
        cuts: pieces along each input.
    """
    edges = [np.linspace(low, high, cuts + 1) for low, high in box]
    cells = np.array(list(product(range(cuts), repeat=len(names))), int).reshape(-1, len(names)).T
    return {
        name: (edge[cell], edge[cell + 1])
        for name, edge, cell in zip(names, edges, cells, strict=True)
    }
