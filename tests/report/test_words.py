import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatline.report.words import (
    join_words,
    name_inside,
    say_difference,
    say_place,
    write_interval,
    write_number,
    write_value,
)


@given(st.floats(1e-6, 1e6), st.integers(2, 6))
def test_numbers_keep_their_digits(value, digits):
    written = float(write_number(value, digits).replace(",", ""))
    assert written == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


def test_numbers_have_no_powers_of_ten():
    assert write_number(0.000123456) == "0.000123"
    assert write_number(-1234.5) == "−1230"
    assert write_number(19_699, 2) == "20,000"
    assert write_number(9.999) == "10.0"
    assert write_number(math.nan) == write_number(None) == "–"
    assert write_value(2.5, "g/cm3") == "2.50 g/cm³" and write_value(1.5, "1") == "1.50"
    assert write_interval(1, 2) == "1.00 to 2.00" and write_interval(None, 2) == "–"


@given(st.floats(0.01, 100), st.floats(0.01, 100))
def test_differences_say_the_way(ours, theirs):
    said = say_difference(ours, theirs, "S/m")
    if said != "the same":
        assert ("higher" in said) == (ours > theirs)
        assert ("lower" in said) == (ours < theirs)


def test_differences_of_percentages_are_points():
    assert say_difference(30, 28.4, "%") == "1.6 points higher"
    assert say_difference(0.5, 0.4) == "0.10 higher (25 %)"
    assert say_difference(1, 0.25, "S/m") == "0.75 S/m higher (4.0 times)"
    assert say_difference(1.0001, 1) == "the same"
    assert say_difference(math.nan, 1) == "–"


def test_words():
    assert join_words(["a", "b", "c"]) == "a, b and c" and join_words(["a"]) == "a"
    assert join_words([]) == ""
    assert name_inside("density") == "density"
    assert name_inside("specific_surface_area_am_pore").startswith("AM")
    assert [say_place(value, 1, 2) for value in (0, 1, 1.5, 3)] == [
        "below",
        "within",
        "within",
        "above",
    ]
