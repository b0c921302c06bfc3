"""Small films for the tests of measuring."""

import os

import pytest

from tests.measure.films import pack

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def film():
    """AM and CBD, 12 x 12 x 12 µm, at the fractions of a calendered film."""
    return pack(1, 12.0, 12.0, (3.0, 4.0, 5.0), 0.45, 2.0, 0.16)


@pytest.fixture(scope="session")
def bed():
    """Equal spheres of 2 µm in a box of 14 µm, porosity about 0.5."""
    return pack(2, 14.0, 14.0, (2.0,), 0.5)
