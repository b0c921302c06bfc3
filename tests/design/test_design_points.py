"""Sobol points: those of SALib, stable as their number grows, and remembered without imports."""

import json
import subprocess
import sys

import numpy as np
import pytest

from coatline.design import points as module
from coatline.design.points import base_points


@pytest.mark.parametrize("seed", [0, 1, 17])
def test_first_points_stay_as_their_number_grows(seed):
    many = base_points(300, 3, seed)
    for count in (1, 3, 16, 64, 65):
        assert base_points(count, 3, seed) == many[:count]


def test_points_are_those_of_salib():
    from SALib.sample import sobol

    problem = {"num_vars": 3, "names": list("abc"), "bounds": [[0, 1]] * 3}
    rows = sobol.sample(problem, 64, calc_second_order=True, scramble=True, seed=5)
    pairs = base_points(64, 3, 5)
    np.testing.assert_array_equal(rows[::8], [a for a, _ in pairs])
    np.testing.assert_array_equal(rows[7::8], [b for _, b in pairs])
    assert all(type(value) is float for a, b in pairs for value in (*a, *b))


def test_cache_gives_the_same_points_and_is_used(tmp_path, monkeypatch):
    plain = base_points(20, 3, 1)
    assert base_points(20, 3, 1, tmp_path) == plain
    monkeypatch.setattr(module, "_sample", lambda *_: pytest.fail("computed again"))
    assert base_points(20, 3, 1, tmp_path) == plain
    assert base_points(64, 3, 1, tmp_path)[:20] == plain


def test_other_seed_or_dimension_has_its_own_file(tmp_path):
    assert base_points(4, 3, 1, tmp_path) != base_points(4, 3, 2, tmp_path)
    assert len(base_points(4, 4, 1, tmp_path)[0][0]) == 4
    assert len(list(tmp_path.iterdir())) == 3


def test_cache_grows(tmp_path):
    base_points(10, 3, 1, tmp_path)
    assert base_points(100, 3, 1, tmp_path) == base_points(100, 3, 1)


def damage_text(path):
    path.write_text(path.read_text()[:-100])


def damage_value(path):
    record = json.loads(path.read_text())
    record["points"][0][0][0] = 0.123
    path.write_text(json.dumps(record))


def damage_version(path):
    record = json.loads(path.read_text())
    record["key"]["scipy"] = "0.1"
    path.write_text(json.dumps(record))


@pytest.mark.parametrize(
    "damage",
    [
        damage_text,
        damage_value,
        damage_version,
        lambda path: path.write_text("[]"),
        lambda path: path.write_bytes(b"\xff\xfe"),
    ],
)
def test_damaged_cache_is_computed_again(tmp_path, damage):
    right = base_points(8, 3, 1, tmp_path)
    (path,) = tmp_path.iterdir()
    damage(path)
    assert base_points(8, 3, 1, tmp_path) == right
    assert json.loads(path.read_text())["points"][0][0] == list(right[0][0])
    assert list(tmp_path.iterdir()) == [path]


def test_folder_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "file").write_text("")
    assert base_points(4, 3, 1, tmp_path / "file" / "below") == base_points(4, 3, 1)


def test_numbers_below_one_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        base_points(0, 3, 1)


SCRIPT = """
import sys, time
from pathlib import Path
from coatline.campaign.config import list_arguments, read_config
from coatline.design.file import check_design, write_design
from coatline.design.table import make_design
start = time.process_time()
design = make_design(
    "shared-slurries", seed=1, slurries=1000, compressions=10, cache=Path(sys.argv[1])
)
table = Path(sys.argv[1]) / "design.csv"
check_design(table, design)
write_design(table, design)
assert len(design) == 10_000 and len(design.slurries) == 1000
heavy = {"numpy", "scipy", "SALib", "pandas", "xarray", "numba", "torch", "matplotlib"}
print(time.process_time() - start, *sorted(heavy & set(sys.modules)))
"""


def test_parsing_ten_thousand_samples_is_cheap(tmp_path):
    for turn in range(2):
        result = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
        )
        seconds, *heavy = result.stdout.split()
        if turn:
            assert heavy == []
            assert float(seconds) < 2
        assert not {"xarray", "numba", "torch", "matplotlib"} & set(heavy)
