import numpy as np
import pytest

from coatline.manufacture.state import PORE
from coatline.measure.taufactor import run_taufactor
from coatline.measure.transport import UnconvergedError, solve_transport
from coatline.measure.volume import paint

pytestmark = pytest.mark.filterwarnings("ignore")


def test_open_space_has_a_factor_of_one():
    assert run_taufactor(np.ones((12, 10, 16), bool)) == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_straight_channels_have_a_factor_of_one(axis):
    pore = np.zeros((12, 12, 12), bool)
    keep = [slice(None)] * 3
    keep[(axis + 1) % 3] = slice(0, 5)
    pore[tuple(keep)] = True
    assert run_taufactor(pore, axis) == pytest.approx(1, abs=5e-3)


def test_blocked_pores_are_not_a_number():
    pore = np.ones((8, 8, 10), bool)
    pore[:, :, 5] = False
    assert np.isnan(run_taufactor(pore))


@pytest.mark.parametrize("periodic", [True, False])
def test_agrees_with_finite_volumes_on_the_same_labels(film, periodic):
    label = paint(film, 12.0, 0.5).label
    pore = label == PORE
    lateral = (periodic, periodic, False)
    expected = pore.mean() / solve_transport(pore.astype(float), periodic=lateral).value
    assert run_taufactor(pore, periodic=periodic) == pytest.approx(expected, rel=0.01)


def test_odd_periodic_sides_converge():
    rng = np.random.default_rng(3)
    pore = rng.random((11, 13, 20)) < 0.8
    expected = pore.mean() / solve_transport(pore.astype(float), periodic=(True, True, False)).value
    assert run_taufactor(pore) == pytest.approx(expected, rel=0.01)


def test_unconverged_is_an_error():
    rng = np.random.default_rng(3)
    with pytest.raises(UnconvergedError):
        run_taufactor(rng.random((16, 16, 16)) < 0.6, max_iterations=100, tolerance=1e-9)
