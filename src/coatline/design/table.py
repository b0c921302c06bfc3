"""The design table: which electrodes a campaign makes, and the same table on disk.

Ids are `y07` for a slurry and `y07c3` for the electrode from its compression number 3. They and
their recipes stay as they are when a design grows:

- shared-slurries: with more slurries or more compressions;
- saltelli: with more base points;
- random: with more samples; more slurries deal the compressions anew, as the method wants it;
- recipes: with recipes added at the end, or with more replicates: a replicate's number is part of
  the slurry's id, y07r2 being the third slurry of y07's recipe.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from random import Random

from coatline.design.points import base_points

DECIMALS = 4
"""Recipes are rounded to these decimals of a percent, which no machine could hold anyway."""

Range = tuple[float, float]
Values = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One electrode of the design.

    Attributes:
        sample: id, such as y07c3.
        slurry: id of its slurry, such as y07.
        active_material: AM / solids by mass, %.
        solid_content: solids / slurry by mass, %.
        compression_rate: 1 - lowest plane height / dried thickness, %.
    """

    sample: str
    slurry: str
    active_material: float
    solid_content: float
    compression_rate: float


@dataclass(frozen=True, slots=True)
class Slurry:
    """One slurry of the design.

    Attributes:
        slurry: id, such as y07.
        active_material: AM / solids by mass, %.
        solid_content: solids / slurry by mass, %.
        samples: ids of the electrodes made from it.
    """

    slurry: str
    active_material: float
    solid_content: float
    samples: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Design:
    """All electrodes of a campaign, in the order of the method.

    Attributes:
        samples: one row per electrode.
    """

    samples: tuple[Sample, ...]

    def __len__(self) -> int:
        return len(self.samples)

    def __iter__(self) -> Iterator[Sample]:
        return iter(self.samples)

    def __getitem__(self, sample: str) -> Sample:
        """Look up an electrode by its id."""
        return self.by_sample[sample]

    @cached_property
    def by_sample(self) -> dict[str, Sample]:
        """Electrodes by id."""
        return {row.sample: row for row in self.samples}

    @cached_property
    def slurries(self) -> dict[str, Slurry]:
        """Slurries by id, in order of first use."""
        samples: dict[str, list[Sample]] = {}
        for row in self.samples:
            samples.setdefault(row.slurry, []).append(row)
        return {
            name: Slurry(
                name,
                rows[0].active_material,
                rows[0].solid_content,
                tuple(row.sample for row in rows),
            )
            for name, rows in samples.items()
        }


def make_design(
    kind: str,
    *,
    seed: int = 1,
    slurries: int | None = None,
    compressions: int | None = None,
    samples: int | None = None,
    second_order: bool | None = None,
    recipes: Iterable[Sequence[float]] | None = None,
    replicates: int | None = None,
    active_material: Range = (85.0, 97.0),
    solid_content: Range = (55.0, 72.0),
    compression_rate: Range = (2.0, 37.0),
    cache: Path | None = None,
) -> Design:
    """Make the design of a campaign.

    Args:
        kind: `shared-slurries`: A rows of a scrambled Sobol sequence are the slurries; compression
            k of slurry j is frac(u3_j + vdC(k)), vdC the van der Corput sequence in base 2.
            `random`: Duquesnoy et al., section 1.1: a limited number of the sequence's slurries,
            to which the sequence's compressions are dealt randomly.
            `saltelli`: whole Saltelli blocks in the order of SALib, equal (AM, SC) sharing a
            slurry. `recipes`: the given ones, equal (AM, SC) sharing a slurry.
        seed: of the sequence, and of the deal in `random`.
        slurries: their number, for shared-slurries and random.
        compressions: of each slurry, for shared-slurries.
        samples: number of electrodes for random, of base points for saltelli.
        second_order: saltelli: blocks of 2D+2 electrodes (default), else of D+2.
        recipes: for recipes: (AM, SC, CR) in %.
        replicates: recipes: slurries of each recipe, 1 where left out; they differ by their seeds.
        active_material, solid_content, compression_rate: (lower, upper), %.
        cache: folder in which the Sobol points are remembered.

    Returns:
        The design; values are plain floats, rounded to 1e-4 % and within their ranges.

    Raises:
        ValueError: an unknown kind, or a number that the kind needs is missing.
    """
    ranges = (active_material, solid_content, compression_rate)
    if kind == "shared-slurries":
        rows = _share_slurries(_need(slurries, "slurries"), _need(compressions, "compressions"))
        points = base_points(_need(slurries, "slurries"), 3, seed, cache)
        return _number(
            (j, _scale((a[0], a[1], _shift(a[2], k)), ranges))
            for j, k, a in ((j, k, points[j][0]) for j, k in rows)
        )
    if kind == "random":
        wanted = _need(slurries, "slurries"), _need(samples, "samples")
        return _number(
            (j, _scale(unit, ranges)) for j, unit in _deal_compressions(*wanted, seed, cache)
        )
    if kind == "saltelli":
        blocks = base_points(_need(samples, "samples"), 3, seed, cache)
        whole = second_order is not False
        return _group(_scale(unit, ranges) for a, b in blocks for unit in _cross(a, b, whole))
    if kind == "recipes":
        rows = [tuple(round(float(v), DECIMALS) for v in recipe) for recipe in recipes or ()]
        if not rows or any(len(row) != 3 for row in rows):
            raise ValueError("kind recipes needs recipes of three values each")
        return _group(rows, _need(replicates or 1, "replicates"))
    raise ValueError(f"unknown kind of design: {kind!r}")


def _need(number: int | None, name: str) -> int:
    if number is None or number < 1:
        raise ValueError(f"{name} must be given and at least 1, got {number}")
    return number


def _share_slurries(slurries: int, compressions: int) -> Iterator[tuple[int, int]]:
    return ((j, k) for j in range(slurries) for k in range(compressions))


def van_der_corput(k: int) -> float:
    """Compute element k of the van der Corput sequence in base 2: 0, 1/2, 1/4, 3/4, 1/8, …"""
    value, share = 0.0, 0.5
    while k:
        value += share * (k & 1)
        k >>= 1
        share /= 2
    return value


def _shift(unit: float, k: int) -> float:
    return (unit + van_der_corput(k)) % 1.0


def _cross(a: Sequence[float], b: Sequence[float], second_order: bool) -> Iterator[Values]:
    """Build one Saltelli block in SALib's order: A, A with one of B …, B with one of A …, B."""
    yield tuple(a)
    for k in range(len(a)):
        yield tuple(b[i] if i == k else a[i] for i in range(len(a)))
    if second_order:
        for k in range(len(a)):
            yield tuple(a[i] if i == k else b[i] for i in range(len(a)))
    yield tuple(b)


def _deal_compressions(
    slurries: int, samples: int, seed: int, cache: Path | None
) -> Iterator[tuple[int, Values]]:
    """Deal the compressions of a Sobol-Saltelli sequence randomly to a few of its slurries.

    A block of the sequence holds two compressions, those of A and B; both are used once. The
    slurries are the A rows of the first blocks. They are dealt like a pack of cards that is
    shuffled anew each time it is used up, so that all get equally many (to one).
    """
    if samples < slurries:
        raise ValueError(f"{samples} samples are too few for {slurries} slurries")
    blocks = base_points(max(slurries, (samples + 1) // 2), 3, seed, cache)
    compressions = [row[2] for block in blocks for row in block]
    draw = Random(seed)
    pack: list[int] = []
    for i in range(samples):
        if i % slurries == 0:
            marks = [draw.random() for _ in range(slurries)]
            pack = sorted(range(slurries), key=marks.__getitem__)
        j = pack[i % slurries]
        yield j, (blocks[j][0][0], blocks[j][0][1], compressions[i])


def _scale(unit: Sequence[float], ranges: Sequence[Range]) -> Values:
    """Scale from [0, 1) to the ranges, rounded but never out of them."""
    scaled = []
    for value, (lower, upper) in zip(unit, ranges, strict=True):
        rounded = round(lower + value * (upper - lower), DECIMALS)
        scaled.append(float(min(max(rounded, lower), upper)))
    return tuple(scaled)


def _group(rows: Iterable[Values], replicates: int = 1) -> Design:
    """Let equal (AM, SC) share a slurry, numbered in order of first use, and repeat each row."""
    numbers: dict[tuple[float, float], int] = {}
    return _number(
        ((numbers.setdefault((row[0], row[1]), len(numbers)), row) for row in rows), replicates
    )


def _number(rows: Iterable[tuple[int, Values]], replicates: int = 1) -> Design:
    """Give ids: slurry number, replicate above 0, number of the compression within the slurry."""
    used: dict[int, int] = {}
    samples = []
    for j, values in rows:
        k = used.get(j, 0)
        used[j] = k + 1
        for replicate in range(replicates):
            slurry = f"y{j:02d}" + (f"r{replicate}" if replicate else "")
            samples.append(Sample(f"{slurry}c{k}", slurry, *values))
    return Design(tuple(samples))
