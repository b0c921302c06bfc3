"""Figures look the same everywhere, and equal figures are equal files."""

import subprocess
import sys

import matplotlib
import pytest
from matplotlib.figure import Figure

from coatline.report.style import COLOURS, CYCLE, save, style

SCRIPT = """
import sys, time
import matplotlib
matplotlib.rcParams["lines.linewidth"] = float(sys.argv[2])
from matplotlib.figure import Figure
from coatline.report.style import save, style
with style():
    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 3, 2], label="a")
    axes.fill_between([0, 1], [1, 2], hatch="/")
    axes.legend()
for ending in ("svg", "pdf", "png"):
    save(figure, f"{sys.argv[1]}/figure.{ending}")
"""


def test_files_are_byte_identical_in_another_process_and_under_other_settings(tmp_path):
    for name, width in (("first", "1"), ("second", "9")):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", SCRIPT, str(tmp_path / name), width]
        subprocess.run(command, check=True)
    for ending in ("svg", "pdf", "png"):
        first = (tmp_path / "first" / f"figure.{ending}").read_bytes()
        assert first == (tmp_path / "second" / f"figure.{ending}").read_bytes()
        assert len(first) > 1000
        assert b"Matplotlib v" not in first


def test_settings_of_the_user_come_back():
    before = dict(matplotlib.rcParams)
    with style():
        assert matplotlib.rcParams["svg.hashsalt"] == "coatline"
        assert matplotlib.rcParams["font.family"] == ["DejaVu Sans"]
    assert dict(matplotlib.rcParams) == before


def test_colours_are_those_of_okabe_and_ito():
    assert len(set(COLOURS.values())) == 8
    with style():
        cycle = matplotlib.rcParams["axes.prop_cycle"].by_key()["color"]
    assert cycle == [COLOURS[name] for name in CYCLE]


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"\.svg, \.pdf, \.png"):
        save(Figure(), tmp_path / "figure.jpg")
