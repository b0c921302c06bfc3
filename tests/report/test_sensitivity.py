"""Shifts against the seed-to-seed spread, and what is said of a contact law."""

import math

import pytest

from coatline.report.sensitivity import PROPERTIES, describe_law, measure_shift
from tests.report.synthetic import make_campaign, make_rows

RATES = (0, 10, 20, 25, 30)
BASE = make_campaign("base", make_rows([(96, 69, 0.45)], RATES, seeds=5, scatter=0.01))


def changed(by, seeds=5):
    rows = make_rows([(96, 69, 0.45 + by)], (25,), seeds=5, scatter=0.01)[:seeds]
    return make_campaign("changed", rows).films


def test_a_shift_is_paired_and_judged_by_the_spread_of_seeds():
    spread = 0.01 * math.sqrt(2.5)  # of five values a hundredth apart
    shift = measure_shift(changed(0.005), BASE.films, "porosity_dried", 25)
    assert shift.mean == pytest.approx(0.005) and shift.count == 5
    assert shift.base.sd == pytest.approx(spread)
    assert shift.error == pytest.approx(0, abs=1e-12)  # all seeds shift alike
    assert shift.within is True
    assert measure_shift(changed(0.05), BASE.films, "porosity_dried", 25).within is False
    assert measure_shift(changed(-0.05), BASE.films, "porosity_dried", 25).within is False


def test_a_shift_as_large_as_its_own_error_is_not_judged():
    rows = make_rows([(96, 69, 0.45)], (25,), seeds=3, scatter=0.0)
    moved = [(*row[:3], 0.45 + by, row[4]) for row, by in zip(rows, (-0.02, 0.02, 0.08))]
    films = make_campaign("changed", moved).films
    shift = measure_shift(films, BASE.films, "porosity_dried", 25)
    assert shift.base.sd < shift.mean < 2 * shift.error and shift.within is None
    single = measure_shift(changed(0.05, seeds=1), BASE.films, "porosity_dried", 25)
    assert single.count == 1 and single.within is None


def test_seeds_that_only_one_side_has_do_not_count():
    # The first two seeds are dense by chance; against the mean of all they would seem to shift.
    shift = measure_shift(changed(0.0, seeds=2), BASE.films, "porosity_dried", 25)
    assert shift.count == 2 and shift.mean == pytest.approx(0, abs=1e-12)


def test_every_watched_property_shifts_with_porosity():
    for name in PROPERTIES:
        shift = measure_shift(changed(0.0), BASE.films, name, 25)
        assert shift.count == 5 and shift.mean == pytest.approx(0, abs=1e-9), name


def test_what_is_not_there_is_not_judged():
    assert measure_shift([], BASE.films, "porosity", 25).within is None
    assert measure_shift(changed(0.0), BASE.films[:1], "porosity", 25).within is None
    assert measure_shift(changed(0.0), BASE.films, "porosity", 20).within is None


def test_a_contact_law_is_described():
    rows = make_rows([(96, 69, 0.45), (90, 55, 0.53)], RATES, seeds=2, spring_back=0.08)
    campaign = make_campaign("law", rows, failed={"y00c4", "y01c1"})
    law = describe_law([campaign], (96, 69), (10, 20, 30))
    assert (law.samples, law.failed) == (20, 2)
    assert law.spring_back[20].mean == pytest.approx(0.08) and law.spring_back[20].count == 2
    assert law.spring_back[30].count == 1
    assert law.porosity[0.0].mean == pytest.approx(0.45)
    assert law.pressure[10].mean == pytest.approx(0.01 * math.exp(2.5))
    assert law.overlap.mean == pytest.approx(1.5)
    assert law.seconds == pytest.approx(90 / 3 + 5)
    assert describe_law([campaign], (85, 55), (10, 20, 30)) is None
    assert describe_law([], (96, 69), (10, 20, 30)) is None
