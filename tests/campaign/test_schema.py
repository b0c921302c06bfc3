"""The JSON schema for editors is that of the models; shipped configs and defaults fit it."""

import difflib
import json

import jsonschema
import pytest
import yaml

from coatline.campaign.config import load_config
from coatline.campaign.config.load import ROOT
from coatline.campaign.schema import FILE, make_schema


def test_schema_on_disk_is_up_to_date():
    kept, made = FILE.read_text(encoding="utf-8"), make_schema()
    drift = "\n".join(difflib.unified_diff(kept.splitlines(), made.splitlines(), lineterm="", n=1))
    assert kept == made, f"run python -m coatline.campaign.schema\n{drift}"


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(make_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", ["demo", "paper"])
def test_shipped_configs_fit_the_schema(validator, name):
    text = (ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=schema.json\n")
    validator.validate(yaml.safe_load(text))


@pytest.mark.parametrize("path", sorted((ROOT / "config" / "validation").glob("*.yaml")), ids=str)
def test_validation_configs_fit_the_schema(validator, path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../schema.json\n")
    validator.validate(yaml.safe_load(text))
    load_config(yaml.safe_load(text), str(path))


def test_defaults_fit_the_schema(validator):
    mapping = {"campaign": {"name": "own"}, "design": {"slurries": 4, "compressions": 3}}
    validator.validate(mapping)
    validator.validate(load_config(mapping, "own.yaml").model_dump(mode="json"))


def test_schema_refuses_what_the_models_refuse(validator):
    good = {"campaign": {"name": "own"}, "design": {"slurries": 4, "compressions": 3}}
    for bad in (
        {"measure": {"voxel": 0.4}},
        {"measure": {"voxel_size": 9}},
        {"electrode": {"solid_mass": "0.1 µg"}},
        {"design": {"active_material": [85, 97, 99]}},
        {"design": {"recipes": [{"active_material": 90}]}},
    ):
        assert not validator.is_valid(good | bad)
    assert validator.is_valid(good | {"design": {"kind": "recipes", "recipes": "own.csv"}})
