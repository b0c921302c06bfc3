"""Electronic conductivity of a film: a network of the contacts between its particles.

A film of spheres carries its current through contacts far smaller than a voxel can be. So the
particles are nodes, each at one potential, and all resistance lies in the contacts.

**Contact.** Two whole spheres that overlap touch in the circle in which they intersect: the overlap
stands for the flattening of either by plastic yielding, and the circle for the area that this made.
Where the smaller centre lies beyond the circle's plane, the smaller sphere's own radius counts.

**Resistance.** 1/G = 1/(4 σ_i a) + 1/(4 σ_j a) + ρ_c / (π a²): current that narrows into a circle
of radius a meets 1/(4 σ a) in the half-space on either side (R. Holm, Electric Contacts, 4th ed.,
Springer 1967, ch. 4; for beds of spheres G. K. Batchelor and R. W. O'Brien, Proc. R. Soc. Lond. A
355 (1977), 313-333), and the interface adds its resistance per area ρ_c.

**Limits.** Contacts are taken as small and far apart. Where overlaps are deep they are neither, and
without an interface resistance the network may carry more than columns of the same volume would:
equal spheres do from a mean overlap of 4 % of the diameter on if packed face-centred, of 13 % if at
random. With 1.1e-3 Ω cm² and 19 S/m both stay below that bound.
"""

import math

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.csgraph import connected_components

from coatline.errors import InputError
from coatline.manufacture.state import Particles
from coatline.measure.contacts import find_pairs
from coatline.measure.transport import Effective, balance_fluxes, solve_matrix

CM2 = 100.0
"""1 Ω cm² in µm · m/S, the unit of a length over a conductivity where lengths are in µm."""


def contact_radius(first: np.ndarray, second: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Radius of the contact of two overlapping spheres; 0 where they do not overlap.

    Args:
        first, second: radii of the spheres.
        distance: between their centres; all three in one unit and of one shape.
    """
    smaller, larger = np.minimum(first, second), np.maximum(first, second)
    # A distance of 0 needs no value: one centre in the other, the second case below.
    apart = np.where(distance > 0, distance, 1.0)
    plane = (apart**2 + smaller**2 - larger**2) / (2 * apart)  # from the smaller centre
    circle = np.sqrt(np.maximum((smaller - plane) * (smaller + plane), 0.0))
    return np.where(distance**2 <= larger**2 - smaller**2, smaller, circle)


def contact_conductance(
    radius: np.ndarray, first: np.ndarray, second: np.ndarray, contact_resistance: float
) -> np.ndarray:
    """Conductance of contacts in S/m · µm.

    Args:
        radius: of the contacts in µm.
        first, second: conductivity of the two bodies in S/m.
        contact_resistance: of the interface, Ω cm².
    """
    area = np.pi * radius**2
    return area / (np.pi * radius / 4 * (1 / first + 1 / second) + CM2 * contact_resistance)


def solve_network(
    particles: Particles,
    height: float,
    conductivity: np.ndarray,
    contact_resistance: float = 0.0,
    reach: float | None = None,
) -> Effective:
    """Effective conductivity of a film through its thickness, in S/m.

    The planes z = 0 and z = height are electrodes. A particle that comes close to one is joined to
    its own centre by 4 σ R: a plane pressed on a film meets particles that a plane at rest misses
    by a hair, so that the exact overlap with it says nothing.

    Args:
        particles: the film, periodic in x and y, at the diameters that conduct; in µm.
        height: thickness of the film in µm.
        conductivity: (n,) of each particle's material in S/m.
        contact_resistance: of the interface between two particles, Ω cm².
        reach: surfaces this close to an electrode touch it, µm; default half the diameter of the
            smallest particle.

    Raises:
        InputError: a conductivity or the contact resistance is out of range.
        UnconvergedError: the flux balance was not reached.
    """
    radius = 0.5 * particles.diameter.astype(np.float64)
    conductivity = np.broadcast_to(np.asarray(conductivity, np.float64), radius.shape)
    if not (np.isfinite(conductivity).all() and (conductivity > 0).all()):
        raise InputError("network: conductivities must be positive (S/m)")
    if not (math.isfinite(contact_resistance) and contact_resistance >= 0):
        raise InputError(
            f"network: contact_resistance {contact_resistance} must be 0 Ω cm² or more"
        )
    if len(radius) == 0:
        return Effective(0.0, False, math.nan, 0)
    reach = radius.min() if reach is None else reach
    pairs = find_pairs(particles)
    first, second = pairs.first, pairs.second
    touching = contact_radius(radius[first], radius[second], pairs.distance)
    conductance = contact_conductance(
        touching, conductivity[first], conductivity[second], contact_resistance
    )
    low = particles.position[:, 2]
    ends = 4 * conductivity * radius
    inlet = np.where(low - radius < reach, ends, 0.0)
    outlet = np.where(height - low - radius < reach, ends, 0.0)
    keep = _find_through(first, second, conductance, inlet, outlet)
    if not keep.any():
        return Effective(0.0, False, math.nan, 0)
    inlet, outlet = inlet[keep], outlet[keep]
    matrix = _join(first, second, conductance, len(radius))[keep][:, keep]
    matrix = (diags(np.asarray(matrix.sum(axis=1)).ravel() + inlet + outlet) - matrix).tocsr()
    scale = float(matrix.diagonal().max())
    matrix, inlet, outlet = matrix / scale, inlet / scale, outlet / scale
    guess = 1 - np.clip(low[keep] / height, 0, 1)
    u, iterations = solve_matrix(matrix, inlet, guess, tolerances=(1e-11, 1e-14))
    flux, mismatch = balance_fluxes(u, inlet, outlet, iterations)
    value = scale * flux * height / (particles.side[0] * particles.side[1])
    return Effective(value, True, mismatch, iterations)


def _join(first: np.ndarray, second: np.ndarray, conductance: np.ndarray, count: int) -> csr_matrix:
    """Symmetric matrix of conductances; two images of one pair add up."""
    row, column = np.r_[first, second], np.r_[second, first]
    return coo_matrix((np.r_[conductance, conductance], (row, column)), (count, count)).tocsr()


def _find_through(
    first: np.ndarray,
    second: np.ndarray,
    conductance: np.ndarray,
    inlet: np.ndarray,
    outlet: np.ndarray,
) -> np.ndarray:
    """Particles joined to both electrodes, (n,) bool; dead ends of such a cluster included."""
    joined = conductance > 0
    graph = _join(first[joined], second[joined], conductance[joined], len(inlet))
    count, cluster = connected_components(graph, directed=False)
    through = np.zeros(count, bool)
    through[np.intersect1d(cluster[inlet > 0], cluster[outlet > 0])] = True
    return through[cluster]
