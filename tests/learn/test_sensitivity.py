import numpy as np
import pytest

from coatline.learn.gaussian import SlurryProcess
from coatline.learn.linear import LinearBaseline
from coatline.learn.sensitivity import bootstrap_indices, compute_indices
from coatline.learn.sisso import Sisso
from coatline.learn.validation import write_rows
from tests.learn.electrodes import (
    BOX,
    HIGH,
    LOW,
    NAMES,
    add_noise,
    conductivity,
    make_design,
    porosity,
)

INPUTS, SLURRY = make_design()
TRUTH = compute_indices(porosity, NAMES, BOX)


def fit_porosity(offset, noise, seed=0):
    target = add_noise(porosity(INPUTS), SLURRY, offset, noise, seed)
    return LinearBaseline(2, "linear").fit(INPUTS, target, SLURRY), target


def test_ishigami_function():
    """T. Ishigami and T. Homma, First International Symposium on Uncertainty Modeling (1990)."""
    a, b = 7.0, 0.1

    def ishigami(x):
        return np.sin(x[:, 0]) + a * np.sin(x[:, 1]) ** 2 + b * x[:, 2] ** 4 * np.sin(x[:, 0])

    one = (1 + b * np.pi**4 / 5) ** 2 / 2
    two, mixed = a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    variance = one + two + mixed
    found = compute_indices(ishigami, ["a", "b", "c"], [(-np.pi, np.pi)] * 3, base=8192)
    assert found.first == pytest.approx(np.array([one, two, 0]) / variance, abs=0.01)
    assert found.total == pytest.approx(np.array([one + mixed, two, mixed]) / variance, abs=0.01)
    assert (np.abs(found.first - np.array([one, two, 0]) / variance) < found.first_error).all()


def test_additive_functions_have_equal_orders():
    def additive(x):
        return x @ np.array([1.0, 2.0, 0.0]) + 50

    # Variances are the squares of slope times width over 12.
    shares = ((HIGH - LOW) * np.array([1.0, 2.0, 0.0])) ** 2
    found = compute_indices(additive, NAMES, BOX)
    assert found.first == pytest.approx(shares / shares.sum(), abs=0.005)
    assert found.total == pytest.approx(shares / shares.sum(), abs=0.005)
    assert found.first[2] == found.total[2] == 0


def test_products_have_interactions():
    def product(x):
        return (x[:, 0] - 91) * (x[:, 2] - 19.5)

    found = compute_indices(product, NAMES, BOX)
    assert found.first == pytest.approx([0, 0, 0], abs=0.02)
    assert found.total == pytest.approx([1, 0, 1], abs=0.02)


def test_box_counts():
    def square(x):
        return x[:, 0] ** 2 + x[:, 1]

    near = compute_indices(square, ["a", "b"], [(0, 1), (0, 1)])
    # Var(a²) = 4/45, Var(b) = 1/12; with a up to 3, 81 times the former.
    far = compute_indices(square, ["a", "b"], [(0, 3), (0, 1)])
    assert near.first[0] == pytest.approx(16 / 31, abs=0.005)
    assert far.first[0] == pytest.approx(81 * 16 / (81 * 16 + 15), abs=0.005)


@pytest.mark.parametrize("make", [SlurryProcess, None])
def test_indices_of_surrogates_are_those_of_the_truth(make):
    target = add_noise(porosity(INPUTS), SLURRY, 0.003, 0.003, 4)
    if make is None:
        model = Sisso(NAMES, BOX, rungs=(1,), terms=(2, 3), scale="linear")
    else:
        model = make(NAMES, BOX)
    found = bootstrap_indices(
        model.fit(INPUTS, target, SLURRY), INPUTS, target, SLURRY, NAMES, BOX, resamples=15
    )
    assert found.first == pytest.approx(TRUTH.first, abs=0.04)
    assert found.total == pytest.approx(TRUTH.total, abs=0.04)
    low, high = found.first_interval.T
    assert (low < high).all()
    assert (low - 0.01 < found.first).all() and (found.first < high + 0.01).all()


def test_intervals_hold():
    """The 95 % interval of each index, over campaigns whose slurries have offsets."""
    held = []
    for seed in range(8):
        model, target = fit_porosity(0.012, 0.006, seed)
        found = bootstrap_indices(
            model, INPUTS, target, SLURRY, NAMES, BOX, resamples=40, seed=seed
        )
        low, high = found.total_interval.T
        held.append((low <= TRUTH.total) & (TRUTH.total <= high))
    assert 0.8 <= np.mean(held) < 1


def measure_interval(offset, noise):
    model, target = fit_porosity(offset, noise)
    found = bootstrap_indices(model, INPUTS, target, SLURRY, NAMES, BOX, resamples=60)
    # Of what varies between slurries alone.
    return np.ptp(found.total_interval[:2], axis=1).mean()


def test_intervals_count_slurries_not_samples():
    """Offsets of slurries make intervals wide, as much noise of its own per sample does not."""
    assert measure_interval(0.02, 0.0) > 1.3 * measure_interval(0.0, 0.02)


def test_indices_are_of_the_property_not_of_its_logarithm():
    target = conductivity(INPUTS)
    model = SlurryProcess(NAMES, BOX, scale="log").fit(INPUTS, target, SLURRY)
    found = compute_indices(model.predict, NAMES, BOX)
    logs = compute_indices(lambda x: np.log(conductivity(x)), NAMES, BOX)
    assert found.first == pytest.approx(compute_indices(conductivity, NAMES, BOX).first, abs=0.03)
    assert found.first[0] < logs.first[0] - 0.1


def test_same_again(tmp_path):
    model, target = fit_porosity(0.005, 0.005)
    arguments = (model, INPUTS, target, SLURRY, NAMES, BOX)
    for name in "ab":
        write_rows(tmp_path / name, bootstrap_indices(*arguments, resamples=5).to_rows())
    text = (tmp_path / "a").read_text()
    assert text == (tmp_path / "b").read_text()
    header, *lines = text.splitlines()
    assert header == "input,order,index,low,high,matrix_error"
    assert [line.split(",")[:2] for line in lines] == [
        [name, order] for order in ("first", "total") for name in NAMES
    ]


def test_refuses():
    with pytest.raises(ValueError, match="a power of two, 4096 or more, got 5000"):
        compute_indices(porosity, NAMES, BOX, base=5000)
    with pytest.raises(ValueError, match="power of two, 4096 or more, got 1024"):
        compute_indices(porosity, NAMES, BOX, base=1024)
    with pytest.raises(ValueError, match="constant in the box"):
        compute_indices(lambda x: np.full(len(x), 2.0), NAMES, BOX)
    with pytest.raises(ValueError, match="not finite in all of the box"):
        compute_indices(lambda x: np.where(x[:, 0] > 96, np.nan, x[:, 1]), NAMES, BOX)
    model, target = fit_porosity(0.005, 0.005)
    few = SLURRY % 4
    with pytest.raises(ValueError, match="5 slurries or more, got 4"):
        bootstrap_indices(model, INPUTS, target, few, NAMES, BOX)
