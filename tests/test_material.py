"""Force fields of a material file: one line names key and value and what would be right."""

import pytest
import yaml

from coatline.errors import ConfigError
from coatline.material import load_material
from tests.conftest import ROOT

A = "force_fields.published-a"


def _write(path, keys, value):
    """The material of this repository with one value changed, added or (None) taken out."""
    data = yaml.safe_load((ROOT / "config" / "materials" / "nmc111.yaml").read_text())
    block = data
    for key in keys[:-1]:
        block = block[key]
    if value is None:
        del block[keys[-1]]
    else:
        block[keys[-1]] = value
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("law",), "lj", f"{A}.law: must be one of granular, lennard-jones (got 'lj')"),
        (("law",), None, f"{A}.slurry.cbd_cbd: is missing"),
        (("law",), ["granular"], f"{A}.law: must be one of granular, lennard-jones"),
        (
            ("dried", "carbon_binder", "cutof"),
            1.2,
            f"{A}.dried.carbon_binder.cutof: unknown key; did you mean 'cutoff'?",
        ),
        (("dried", "contact", "friction"), None, f"{A}.dried.contact.friction: is missing"),
        (
            ("dried", "contact", "friction"),
            -1,
            f"{A}.dried.contact.friction: input should be greater than or equal to 0 (got -1)",
        ),
        (
            ("slurry", "carbon_binder", "cutoff"),
            0.5,
            f"{A}.slurry.carbon_binder: cutoff 0.5 must be larger than sigma 0.89",
        ),
        (
            ("dried", "contact", "carbon_binder_diameter"),
            2.0,
            f"{A}: dried.contact.carbon_binder_diameter = 2 must be 1",
        ),
    ],
)
def test_a_wrong_lennard_jones_force_field_is_one_line(tmp_path, keys, value, message):
    path = _write(tmp_path / "own.yaml", ("force_fields", "published-a", *keys), value)
    with pytest.raises(ConfigError) as error:
        load_material(path)
    assert str(error.value).startswith(f"{path}: ") and "\n" not in str(error.value)
    assert message in str(error.value)


def test_a_wrong_key_in_the_default_law_has_a_hint(tmp_path):
    keys = ("force_fields", "default", "dried", "am_am", "youngs_modulus")
    with pytest.raises(ConfigError, match="did you mean 'young_modulus'"):
        load_material(_write(tmp_path / "own.yaml", keys, 1.0))


def test_stages_carry_their_law(nmc111):
    for name, law in (("default", "granular"), ("published-b", "lennard-jones")):
        field = nmc111.force_field(name)
        assert [field[stage]["law"] for stage in ("slurry", "dried")] == [law, law]
    assert nmc111.force_field("published-a")["yielding"] is None
    with pytest.raises(ConfigError, match="known: default, elastic, published-a, published-b"):
        nmc111.force_field("published-c")
