"""Search for the few features that a target is best a linear combination of.

Sure-independence screening and sparsifying operator (R. Ouyang, S. Curtarolo, E. Ahmetcik,
M. Scheffler and L. M. Ghiringhelli, Phys. Rev. Materials 2 (2018) 083802, section II):

1. Of all features, take those most correlated with the target, or, once there are models of t
   terms, with what these leave over (J. Fan and J. Lv, J. R. Stat. Soc. B 70 (2008) 849-911).
   Residuals of several models count, as in SISSO++ (T. A. R. Purcell, M. Scheffler, C. Carbogno and
   L. M. Ghiringhelli, J. Open Source Softw. 7 (2022) 3960).
2. Add them to the pool.
3. Try all tuples of t + 1 features of the pool (l0 regression), and go on with the best.

From four terms on, all tuples are too many. The best models of t terms each take every feature of
the pool as a further one, then the best of the larger ones exchange their terms, one at a time, for
any feature of the pool, until no new one comes among the best, or ten times.

Three things are added. Pairs are tried of all features, not of the pool alone, where there are not
too many; the features of good models join the pool. The smallest features are in it from the start,
since many large ones resemble each of them and would crowd them out. And a model pays for its size:
models are ranked by
SSE · exp(2 λ nodes / n), the likelihood of normal errors times exp(-λ) for each operation or input,
a description length of λ nats (J. Rissanen, Automatica 14 (1978) 465-471). Data without noise
decide whatever λ is; λ = 0 is plain least squares.

Tuples are tried on standardised features: after the projection on one feature is taken off, sums of
squares of pairs are closed expressions of their scalar products, for all pairs at once. The best
tuples are then solved again by a QR decomposition of the features themselves.
"""

from dataclasses import dataclass

import numpy as np

from coatline.learn.features import standardise

COLLINEAR = 1e-6
"""Least share of a feature's variance that the others of its tuple leave unexplained."""

SHORTLIST = 50
"""Tuples of each size that are solved exactly."""

RESIDUALS = 10
"""Models of each size whose residuals are screened."""

COMPLETE = 3
"""Most terms of which all tuples of the pool are tried."""

EXCHANGES = 10
"""Models whose terms are exchanged, and the most rounds of it."""

TIE = 1e-9
"""Relative difference between sums of squares that counts as none."""

EXHAUSTIVE = 6000
"""Most features of which all pairs are tried; as many take seconds."""

BLOCK = 64
"""Features whose pairs are tried at once."""

SMALL = 3
"""Nodes of a feature that is in the pool from the start: all of rungs 0 and 1."""

ROUNDING = 1e-22
"""Sum of squares, as a share of the target's, that is rounding alone."""


@dataclass(frozen=True)
class Model:
    """A linear combination of features.

    Attributes:
        indices: (t,) which features, ascending.
        coefficients: (t,) of them.
        intercept: the constant.
        squares: sum of squared residuals.
    """

    indices: tuple[int, ...]
    coefficients: tuple[float, ...]
    intercept: float
    squares: float

    def evaluate(self, features: np.ndarray) -> np.ndarray:
        """Value for (n, m) features, (n,)."""
        return self.intercept + features[:, list(self.indices)] @ np.array(self.coefficients)


def search_models(
    features: np.ndarray,
    target: np.ndarray,
    terms: int,
    screened: int = 100,
    nodes: np.ndarray | None = None,
    price: float = 0.0,
) -> list[list[Model]]:
    """Find the best models of one, two … terms.

    Args:
        features: (n, m) values, simpler features first; constant columns are passed over.
        target: (n,) values, not all equal.
        terms: most terms of a model.
        screened: features that join the pool for each further term.
        nodes: (m,) size of each feature; of models that fit equally well, the one of the smallest
            sum is best, then that of the earliest features. Default 1 each.
        price: λ, what each of these nodes costs in units of log-likelihood.

    Returns:
        For each number of terms up to `terms`, the best models, best first; none where the features
        are too few or too collinear.
    """
    nodes = np.ones(features.shape[1], int) if nodes is None else nodes
    vectors, _, _ = standardise(features)
    vectors = np.asfortranarray(vectors)
    centred = target - target.mean()
    total = float(centred @ centred)
    varying = np.flatnonzero((vectors != 0).any(axis=0))
    burden = 2 * price * nodes / len(target)
    pool = varying[nodes[varying] <= SMALL][:screened]
    residuals, found = centred[:, None], []
    # The most correlated first: it leads its tuples, which keeps cancellation small.
    lead = np.round(np.abs(centred @ vectors) / np.sqrt(total), 12)
    for count in range(1, terms + 1):
        candidates = np.setdiff1d(varying, pool)
        pool = np.union1d(pool, _screen(vectors, residuals, candidates, screened))
        every = count == 1 or (count == 2 and len(varying) <= EXHAUSTIVE)
        tried = varying if every else pool
        tried = tried[np.argsort(-lead[tried], kind="stable")]
        if count <= COMPLETE:
            tuples = _best_tuples(vectors[:, tried], centred, burden[tried], count)
        else:
            place = {int(index): here for here, index in enumerate(tried)}
            before = [tuple(place[index] for index in model.indices) for model in found[-1]]
            tuples = _extend_tuples(vectors[:, tried], centred, burden[tried], before)
        solved = [
            _solve(features, vectors, target, tuple(sorted(tried[list(members)].tolist())))
            for members in tuples
        ]
        models = _rank(solved, nodes, burden, total)
        found.append(models)
        if not models:
            return found + [[] for _ in range(count, terms)]
        pool = np.union1d(pool, [index for model in models for index in model.indices])
        residuals = np.stack(
            [target - model.evaluate(features) for model in models[:RESIDUALS]], axis=1
        )
    return found


def _screen(
    vectors: np.ndarray, residuals: np.ndarray, candidates: np.ndarray, count: int
) -> np.ndarray:
    """Candidates most correlated with any of the (n, k) residuals; of equals the simpler."""
    length = np.linalg.norm(residuals, axis=0)
    scaled = residuals / np.where(length > 0, length, 1.0)
    score = np.abs(vectors.T @ scaled).max(axis=1)
    order = np.argsort(-np.round(score[candidates], 12), kind="stable")
    return candidates[order[:count]]


def _best_tuples(
    vectors: np.ndarray, target: np.ndarray, burden: np.ndarray, terms: int
) -> list[tuple[int, ...]]:
    """Tuples of columns with the best scores, `SHORTLIST` at most.

    Args:
        vectors: (n, p) standardised features.
        target: (n,) of mean 0.
        burden: (p,) the score of a tuple is its sum of squares times the exponential of its burden.
        terms: length of the tuples.
    """
    size = vectors.shape[1]
    if terms == 1:
        squares = target @ target - (vectors.T @ target) ** 2
        return _smallest([(squares * np.exp(burden), np.arange(size)[:, None])])
    if terms == 2:
        return _best_pairs(vectors, target, np.exp(burden))
    gram = vectors.T @ vectors
    kept: list[_Scored] = []
    bar = np.inf
    for first in range(size - terms + 1):
        # In the data, not in the scalar products: exact however little is left.
        slope = float(vectors[:, first] @ target)
        left = target - slope * vectors[:, first]
        across = gram[first + 1 :, first]
        rest = _Rest(
            gram[first + 1 :, first + 1 :] - np.outer(across, across),
            vectors[:, first + 1 :].T @ left,
            float(left @ left),
            np.exp(burden[first + 1 :]),
            float(np.exp(burden[first])),
        )
        for score, members in _reduce(rest, terms - 1, bar):
            lead = np.full((len(members), 1), first)
            kept.append((score, np.hstack([lead, first + 1 + members])))
        if sum(len(score) for score, _ in kept) > 4 * SHORTLIST:
            kept = [_cut(kept)]
            bar = float(kept[0][0][-1])
    return _smallest(kept)


def _extend_tuples(
    vectors: np.ndarray, target: np.ndarray, burden: np.ndarray, before: list[tuple[int, ...]]
) -> list[tuple[int, ...]]:
    """Good tuples of one column more than some given ones, best first.

    Args:
        vectors, target, burden: as for `_best_tuples`.
        before: tuples of columns to start from.
    """
    known: dict[tuple[int, ...], float] = {}
    for base in before:
        known |= _score_further(vectors, target, burden, base)
    exchanged: set[tuple[int, ...]] = set()
    for _ in range(EXCHANGES):
        best = sorted(known, key=lambda members: (known[members], members))[:SHORTLIST]
        known = {members: known[members] for members in best}
        new = [members for members in best[:EXCHANGES] if members not in exchanged]
        if not new:
            break
        exchanged.update(new)
        for members in new:
            for left_out in members:
                base = tuple(index for index in members if index != left_out)
                known |= _score_further(vectors, target, burden, base)
    return sorted(known, key=lambda members: (known[members], members))[:SHORTLIST]


def _score_further(
    vectors: np.ndarray, target: np.ndarray, burden: np.ndarray, base: tuple[int, ...]
) -> dict[tuple[int, ...], float]:
    """Scores of some columns with each further one, the `SHORTLIST` best."""
    basis = np.linalg.qr(vectors[:, list(base)])[0]
    left = target - basis @ (basis.T @ target)
    share = 1 - ((basis.T @ vectors) ** 2).sum(axis=0)
    gain = (vectors.T @ left) ** 2 / np.maximum(share, COLLINEAR)
    score = (left @ left - gain) * np.exp(burden + burden[list(base)].sum())
    score[share <= COLLINEAR] = np.inf
    score[list(base)] = np.inf
    best = np.argsort(score, kind="stable")[:SHORTLIST]
    best = best[np.isfinite(score[best])]
    return {tuple(sorted((*base, int(index)))): float(score[index]) for index in best}


def _best_pairs(
    vectors: np.ndarray, target: np.ndarray, factor: np.ndarray
) -> list[tuple[int, ...]]:
    """Pairs of columns with the best scores; `factor` is the exponential of the burden."""
    kept: list[_Scored] = []
    bar = np.inf
    for start in range(0, vectors.shape[1], BLOCK):
        leads, rest = vectors[:, start : start + BLOCK], vectors[:, start:]
        left = target[:, None] - leads * (target @ leads)
        score = left.T @ rest
        np.square(score, out=score)
        share = leads.T @ rest
        np.square(share, out=share)
        np.subtract(1, share, out=share)
        score /= np.maximum(share, COLLINEAR)
        np.subtract((left**2).sum(axis=0)[:, None], score, out=score)
        score *= factor[start : start + BLOCK, None]
        score *= factor[start:]
        first, second = np.nonzero(score <= bar)
        ordered = (first < second) & (share[first, second] > COLLINEAR)
        first, second = first[ordered], second[ordered]
        members = start + np.stack([first, second], axis=1)
        kept = [_cut([*kept, *_under(score[first, second], members, bar)])]
        if len(kept[0][0]) == SHORTLIST:
            bar = float(kept[0][0][-1])
    return _smallest(kept)


_Scored = tuple[np.ndarray, np.ndarray]
"""Scores (k,) of tuples, and their members (k, terms)."""


@dataclass(frozen=True)
class _Rest:
    """What is left of q features and the target, all less their projections on those chosen.

    Attributes:
        products: (q, q) scalar products of the features.
        moment: (q,) scalar products of the features with the target.
        squares: of the target.
        factor: (q,) of each feature in the score.
        paid: factor of the features chosen.
    """

    products: np.ndarray
    moment: np.ndarray
    squares: float
    factor: np.ndarray
    paid: float


def _reduce(rest: _Rest, terms: int, bar: float) -> list[_Scored]:
    """Scores of the tuples of some length that are not above `bar`."""
    own, moment = np.diag(rest.products), rest.moment
    free = own > COLLINEAR
    if terms == 1:
        gain = np.where(free, moment**2 / np.where(free, own, 1.0), -np.inf)
        score = (rest.squares - gain) * rest.factor * rest.paid
        return _under(score, np.arange(len(own))[:, None], bar)
    if terms == 2:
        return _under(*_pairs(rest, own, free, bar), bar)
    found = []
    for index in np.flatnonzero(free):
        after = slice(index + 1, None)
        share = rest.products[after, index] / own[index]
        inner = _Rest(
            rest.products[after, after] - np.outer(share, share) * own[index],
            moment[after] - share * moment[index],
            rest.squares - moment[index] ** 2 / own[index],
            rest.factor[after],
            rest.paid * rest.factor[index],
        )
        for score, members in _reduce(inner, terms - 1, bar):
            lead = np.full((len(members), 1), index)
            found.append((score, np.hstack([lead, index + 1 + members])))
    return found


def _pairs(rest: _Rest, own: np.ndarray, free: np.ndarray, bar: float) -> _Scored:
    """Scores of the pairs that are not above `bar` nor collinear."""
    length = np.sqrt(np.where(free, own, np.inf))
    moment = rest.moment / length
    # The cosine g between two features; the pair explains (a² + b² - 2 a b g) / (1 - g²). All in
    # place: this is where the time goes.
    cosine = rest.products / length[:, None]
    cosine /= length
    score = np.outer(-2 * moment, moment)
    score *= cosine
    score += (moment**2)[:, None]
    score += moment**2
    np.square(cosine, out=cosine)
    free_share = np.subtract(1, cosine, out=cosine)
    score /= np.maximum(free_share, COLLINEAR)
    np.subtract(rest.squares, score, out=score)
    score *= (rest.factor * rest.paid)[:, None]
    score *= rest.factor
    first, second = np.nonzero(score <= bar)
    ordered = (first < second) & free[first] & free[second]
    first, second = first[ordered], second[ordered]
    sound = free_share[first, second] * np.minimum(own[first], own[second]) > COLLINEAR
    first, second = first[sound], second[sound]
    return score[first, second], np.stack([first, second], axis=1)


def _under(score: np.ndarray, members: np.ndarray, bar: float) -> list[_Scored]:
    """The best scores, none above the bar."""
    kept = np.flatnonzero(score <= bar)
    if len(kept) > SHORTLIST:
        kept = kept[score[kept] <= np.partition(score[kept], SHORTLIST - 1)[SHORTLIST - 1]]
    return [(score[kept], members[kept])] if len(kept) else []


def _cut(kept: list[_Scored]) -> _Scored:
    """The `SHORTLIST` best scores with their tuples, best first."""
    if not kept:
        return np.zeros(0), np.zeros((0, 1), int)
    score = np.concatenate([part[0] for part in kept])
    members = np.concatenate([part[1] for part in kept])
    order = np.argsort(score, kind="stable")[:SHORTLIST]
    return score[order], members[order]


def _smallest(kept: list[_Scored]) -> list[tuple[int, ...]]:
    """Tuples of the best scores."""
    score, members = _cut(kept)
    return [tuple(row) for row in members[np.isfinite(score)].tolist()]


def _solve(
    features: np.ndarray, vectors: np.ndarray, target: np.ndarray, indices: tuple[int, ...]
) -> Model:
    """Least squares of the target on some features and a constant."""
    chosen = list(indices)
    mean = target.mean()
    q, r = np.linalg.qr(vectors[:, chosen])
    slopes = np.linalg.solve(r, q.T @ (target - mean))
    values = features[:, chosen]
    middle = values.mean(axis=0)
    length = np.sqrt(((values - middle) ** 2).sum(axis=0))
    coefficients = slopes / length
    left = target - mean - (values - middle) @ coefficients
    return Model(
        indices,
        tuple(coefficients.tolist()),
        float(mean - middle @ coefficients),
        float(left @ left),
    )


def _rank(models: list[Model], nodes: np.ndarray, burden: np.ndarray, total: float) -> list[Model]:
    """Best first; among scores that are equal but for rounding, the simplest first."""

    def score(model: Model) -> float:
        return model.squares * float(np.exp(burden[list(model.indices)].sum()))

    def size(model: Model) -> tuple[int, tuple[int, ...]]:
        return int(nodes[list(model.indices)].sum()), model.indices

    left = sorted(
        ((score(model), *size(model), model) for model in models), key=lambda row: row[:3]
    )
    ranked = []
    while left:
        bar = left[0][0] * (1 + TIE) + ROUNDING * total
        equal = [row for row in left if row[0] <= bar]
        ranked += [row[3] for row in sorted(equal, key=lambda row: row[1:3])]
        left = left[len(equal) :]
    return ranked
