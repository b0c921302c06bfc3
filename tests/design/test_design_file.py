"""The design table on disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coatline.design.file import check_design, read_design, write_design
from coatline.design.table import Design, Sample, make_design
from coatline.errors import ConfigError

SHARED = {"kind": "shared-slurries", "slurries": 4, "compressions": 3}


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "design" / "design.csv"
    write_design(path, make_design(**SHARED))
    return path


def test_first_lines(table):
    lines = table.read_text().splitlines()
    assert lines[0] == "sample,slurry,active_material,solid_content,compression_rate"
    assert lines[1].startswith("y00c0,y00,")
    assert len(lines) == 13
    assert b"\r" not in table.read_bytes()


percents = st.floats(0, 100, allow_nan=False)


@given(st.lists(st.tuples(percents, percents, percents), min_size=1, max_size=5))
def test_numbers_read_back_exactly(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("design") / "design.csv"
    design = Design(tuple(Sample(f"y00c{k}", "y00", *row) for k, row in enumerate(rows)))
    write_design(path, design)
    assert read_design(path) == design


def test_equal_designs_are_equal_bytes(table, tmp_path):
    write_design(tmp_path / "again.csv", make_design(**SHARED))
    assert (tmp_path / "again.csv").read_bytes() == table.read_bytes()


@pytest.mark.parametrize(
    "change", [{}, {"slurries": 9}, {"compressions": 5}, {"slurries": 2}, {"compressions": 1}]
)
def test_grown_or_shrunk_design_agrees(table, change):
    check_design(table, make_design(**(SHARED | change)))


def test_missing_table_agrees(tmp_path):
    check_design(tmp_path / "design.csv", make_design(**SHARED))


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"active_material": (80.0, 97.0)},
        {"compression_rate": (2.0, 36.0)},
        {"kind": "saltelli", "slurries": None, "compressions": None, "samples": 4},
    ],
)
def test_contradiction_names_file_sample_column_values_and_remedy(table, change):
    new = make_design(**(SHARED | change))
    with pytest.raises(ConfigError) as caught:
        check_design(table, new)
    line = str(caught.value)
    old = read_design(table)
    row = next(row for row in old if row.sample in new.by_sample and row != new[row.sample])
    names = ("slurry", "active_material", "solid_content", "compression_rate")
    name = next(name for name in names if getattr(row, name) != getattr(new[row.sample], name))
    for part in (str(table), row.sample, name, getattr(row, name), getattr(new[row.sample], name)):
        assert str(part) in line
    assert "campaign.name" in line
    assert "restore" in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("sample,slurry", "id,slurry", "is no design table"),
        ("y00c1,y00,", "y00c1,y00,1,", "line 3: 6 values for 5 columns"),
        ("y00c1,y00,", "y00c0,y00,", "line 3: sample y00c0 stands there twice"),
        ("y00c1,y00,", "y00c1,y00,x", "line 3, column active_material = 'x"),
    ],
)
def test_damaged_table_names_the_line(table, old, new, expected):
    table.write_text(table.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=expected):
        check_design(table, make_design(**SHARED))


def test_binary_table(table):
    table.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_design(table)
