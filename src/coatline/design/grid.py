"""The fixed grid of compressions at which pressing leaves states to start from."""

GRID = 2.5
"""Distance of two grid states, % of compression."""
APPROACH = 0.25
"""Last part of the way to a sample's compression, %, gone slowly: a film stopped at full speed runs
on by its own momentum, and light compressions would seem to spring back by less than nothing."""


def grid_below(compression_rate: float) -> int:
    """Find the last grid state that is not compressed further than a sample.

    Args:
        compression_rate: of the sample, %.

    Returns:
        The largest k with k · `GRID` ≤ `compression_rate`, in floats; 0 is the dried film.

    Raises:
        ValueError: the compression rate is not between 0 and 100 %.
    """
    if not 0 <= compression_rate < 100:
        raise ValueError(f"compression_rate is {compression_rate} %, must be from 0 to 100 %")
    k = int(compression_rate / GRID) + 1
    while k * GRID > compression_rate:
        k -= 1
    return k


def grid_points(upper: float) -> list[int]:
    """List the grid states of a film pressed to the design's upper compression.

    Args:
        upper: upper compression of the design, %.

    Returns:
        0, 1, … up to `grid_below(upper)`.
    """
    return list(range(grid_below(upper) + 1))


def start_point(compression_rate: float) -> int:
    """Find the grid state that a sample starts from: the last with an approach ahead of it.

    Args:
        compression_rate: of the sample, %.

    Raises:
        ValueError: the compression rate is not between 0 and 100 %.
    """
    grid_below(compression_rate)  # refuses what is no compression
    return grid_below(max(compression_rate - APPROACH, 0.0))
