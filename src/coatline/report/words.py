"""Words and numbers for people: names with units, digits of a number, differences."""

import math
from collections.abc import Iterable, Sequence

SHORT = {
    "active_material": "Active material",
    "solid_content": "Solid content",
    "compression_rate": "Compression rate",
    "active_surface_area": "Active surface area",
    "density": "Density",
    "effective_electronic_conductivity": "Electronic conductivity",
    "nanoporosity": "Nanoporosity of the CBD",
    "objective": "Objective C_f",
    "porosity": "Porosity, total",
    "porosity_without_nanopores": "Porosity without nanopores",
    "pressure_peak": "Calendering pressure",
    "relative_diffusivity": "Relative diffusivity",
    "specific_surface_area_am_cbd": "AM–CBD area per volume",
    "specific_surface_area_am_pore": "AM–pore area per volume",
    "spring_back": "Spring-back",
    "thickness": "Thickness",
    "thickness_dried": "Thickness, dried",
    "thickness_lowest": "Lowest thickness",
    "tortuosity_factor": "Tortuosity factor",
    "tortuosity_factor_pore": "Tortuosity factor, pores",
    "tortuosity_factor_taufactor": "Tortuosity factor, TauFactor",
    "volume_fraction_active_material": "Volume fraction of AM",
    "volume_fraction_cbd": "Volume fraction of CBD",
}
"""Names of variables of a dataset, as on axes and in tables."""

UNITS = {"1": "", "g/cm3": "g/cm³", "um": "µm", "um2": "µm²", "1/um": "1/µm"}
"""Units as they are printed, where that differs."""

THOUSANDS = 1e4
"""Numbers from here on have commas."""

SPOKES = {
    "active_surface_area": "Active\nsurface",
    "effective_electronic_conductivity": "Conductivity",
    "tortuosity_factor": "Tortuosity",
    "density": "Density",
}
"""Still shorter names, at the ends of a radar's spokes."""


def name_property(name: str) -> str:
    """Name a variable of a dataset in words."""
    return SHORT.get(name, name.replace("_", " ").capitalize())


def name_inside(name: str) -> str:
    """Name a variable as it stands inside a sentence."""
    words = name_property(name)
    return words if words[:2].isupper() else words[0].lower() + words[1:]


def begin_sentence(text: str) -> str:
    """Give a text a capital first letter."""
    return text[:1].upper() + text[1:]


def name_unit(unit: str) -> str:
    """Print a unit; nothing for a pure number."""
    return UNITS.get(unit, unit)


def label_axis(name: str, unit: str) -> str:
    """Label an axis: the name, and the unit in parentheses where there is one."""
    printed = name_unit(unit)
    return f"{name_property(name)} ({printed})" if printed else name_property(name)


def label_spoke(name: str) -> str:
    """Label a spoke of a radar chart."""
    return SPOKES.get(name, name_property(name).replace(" ", "\n", 1))


def write_number(value: float | None, digits: int = 3) -> str:
    """Write a number with so many significant digits, never as a power of ten; – for none."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    rounded = float(f"{value:.{digits}g}")
    places = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:,.{places}f}" if abs(rounded) >= THOUSANDS else f"{rounded:.{places}f}"
    return text.replace("-", "−")


def write_value(value: float | None, unit: str, digits: int = 3) -> str:
    """Write a number with its unit."""
    printed = name_unit(unit)
    number = write_number(value, digits)
    return f"{number} {printed}" if printed and number != "–" else number


def write_interval(low: float | None, high: float | None, digits: int = 3) -> str:
    """Write an interval, as in 1.2 to 1.4; – where there is none."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return "–"
    return f"{write_number(low, digits)} to {write_number(high, digits)}"


def write_recipe(recipe: Sequence[float]) -> str:
    """Write a recipe of active material, solid content and compression rate, %."""
    names = ("AM", "SC", "CR")
    return ", ".join(f"{name} {value:.1f} %" for name, value in zip(names, recipe, strict=True))


def join_words(words: Iterable[str]) -> str:
    """Join words with commas and a last `and`."""
    *head, last = list(words) or [""]
    return f"{', '.join(head)} and {last}" if head else last


def count(number: int, noun: str, nouns: str | None = None) -> str:
    """Write a number of things, as in 1 electrode, 2 electrodes."""
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def say_difference(
    ours: float | None, theirs: float | None, unit: str = "", digits: int = 3
) -> str:
    """Say in words how far ours lies from a published value.

    Args:
        ours, theirs: in one unit.
        unit: as it is printed; differences of percentages are points.
        digits: of the difference.

    Returns:
        Such as `0.31 higher (15 %)`; `the same` where both print alike; – where one is missing.
    """
    if ours is None or theirs is None or not (math.isfinite(ours) and math.isfinite(theirs)):
        return "–"
    if write_number(ours, digits) == write_number(theirs, digits):
        return "the same"
    way = "higher" if ours > theirs else "lower"
    gap = abs(ours - theirs)
    if unit == "%":
        return f"{write_number(gap, 2)} points {way}"
    size = f"{write_number(gap, 2)} {unit}".strip()
    if theirs and ours / theirs >= 2:
        return f"{size} {way} ({write_number(ours / theirs, 2)} times)"
    return f"{size} {way} ({write_number(100 * gap / abs(theirs), 2)} %)" if theirs else size


def say_place(value: float, low: float, high: float) -> str:
    """Say where a value lies to an interval: below, within or above it."""
    if value < low:
        return "below"
    return "above" if value > high else "within"
