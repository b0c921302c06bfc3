"""A configuration that is right: defaults, units, files, and what depends on them."""

import math
from pathlib import Path

import annotated_types
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from coatline.campaign.config import (
    Config,
    Design,
    Electrode,
    Recipe,
    check_electrode,
    check_force_field,
    find_upper_compression,
    list_arguments,
    load_config,
    read_config,
)
from coatline.campaign.config.explain import _constraints, _is_range, _strip
from coatline.campaign.config.load import ROOT
from coatline.design.table import make_design
from coatline.errors import ConfigError

SMALLEST = {"campaign": {"name": "own"}, "design": {"slurries": 4, "compressions": 3}}


def test_smallest_config_has_the_defaults_of_the_paper():
    config = load_config(SMALLEST, "own.yaml")
    assert config.design.kind == "shared-slurries"
    assert config.design.active_material == (85, 97)
    assert config.design.solid_content == (55, 72)
    assert config.design.compression_rate == (2, 37)
    assert config.electrode.solid_mass == 0.1
    assert config.electrode.solid_loading == 10
    assert config.measure.voxel_size == 0.4
    assert config.engine.launcher.format(threads=3) == "mpiexec -n 3"
    assert config.manufacture.force_field == "default"
    assert config.source == "own.yaml"


@pytest.mark.parametrize(("mass", "loading", "side"), [(0.1, 10, 31.6228), (0.04, 10, 20.0)])
def test_electrode_side_in_micrometres(mass, loading, side):
    electrode = Electrode(solid_mass=mass, solid_loading=loading)
    assert electrode.side == pytest.approx(side, abs=1e-4)
    # The same in SI: kg / (kg/m²) = m².
    area = (mass * 1e-9) / (loading * 1e-6 / 1e-4)
    assert electrode.side == pytest.approx(math.sqrt(area) * 1e6)


def test_narrowest_electrode_is_allowed():
    assert Electrode(solid_mass=0.0256, solid_loading=10).side == pytest.approx(16)


def test_whole_numbers_serve_as_numbers():
    config = load_config({**SMALLEST, "electrode": {"solid_mass": 1}}, "own.yaml")
    assert config.electrode.solid_mass == 1.0
    assert isinstance(config.electrode.solid_mass, float)


def test_config_cannot_be_changed():
    config = load_config(SMALLEST, "own.yaml")
    with pytest.raises(Exception, match="frozen"):
        config.electrode.solid_mass = 1.0


@pytest.mark.parametrize(
    ("name", "samples", "slurries", "mass"), [("paper", 174, 29, 0.1), ("demo", 16, 4, 0.04)]
)
def test_shipped_configs(name, samples, slurries, mass):
    config = read_config(ROOT / "config" / f"{name}.yaml")
    design = make_design(**list_arguments(config.design), seed=config.campaign.seed)
    assert config.campaign.name == name
    assert len(design) == samples
    assert len(design.slurries) == slurries
    assert config.electrode.solid_mass == mass
    assert config.design.active_material == (85, 97)
    assert config.design.solid_content == (55, 72)
    assert config.design.compression_rate == (2, 37)
    assert config.electrode.side >= 16


def test_upper_compression_of_ranges_and_recipes():
    assert find_upper_compression(load_config(SMALLEST, "own.yaml").design) == 37
    recipes = (
        Recipe(active_material=90, solid_content=60, compression_rate=12),
        Recipe(active_material=90, solid_content=60, compression_rate=28.4),
    )
    assert find_upper_compression(Design(kind="recipes", recipes=recipes)) == 30
    lower = (*recipes, Recipe(active_material=90, solid_content=60, compression_rate=29.9))
    assert find_upper_compression(Design(kind="recipes", recipes=lower)) == 30


def test_recipes_from_csv_beside_the_config(tmp_path):
    (tmp_path / "own.csv").write_text(
        "# mine\ncompression_rate, active_material, solid_content\n\n28.4,90.4,58.2\n0,96,69\n",
        encoding="utf-8",
    )
    mapping = {"campaign": {"name": "own"}, "design": {"kind": "recipes", "recipes": "own.csv"}}
    config = load_config(mapping, str(tmp_path / "own.yaml"))
    design = make_design(**list_arguments(config.design), seed=1)
    rows = [(r.active_material, r.solid_content, r.compression_rate) for r in design]
    assert rows == [(90.4, 58.2, 28.4), (96, 69, 0)]
    assert mapping["design"]["recipes"] == "own.csv"


def test_material_by_name_and_by_path(tmp_path):
    config = load_config(SMALLEST, "own.yaml")
    assert config.material_file.name == "nmc111.yaml"
    assert config.material_file.is_file()
    (tmp_path / "lfp.yaml").write_text("name: LFP\n", encoding="utf-8")
    own = load_config({**SMALLEST, "material": "lfp.yaml"}, str(tmp_path / "own.yaml"))
    assert own.material_file == tmp_path / "lfp.yaml"


def test_material_in_the_working_directory_is_a_relative_path(monkeypatch):
    monkeypatch.chdir(ROOT)
    config = load_config(SMALLEST, "config/own.yaml")
    assert config.material_file == Path("config/materials/nmc111.yaml")


def test_electrode_and_voxel_fit_the_particles():
    config = load_config(SMALLEST, "own.yaml")
    check_electrode(config, largest_diameter=10.35, smallest_bead=1.3, density=4.65)
    check_force_field(config, {"default": "granular"})
    with pytest.raises(ConfigError, match=r"electrode\.solid_mass = 0\.1: .*31\.6 µm.*40 µm"):
        check_electrode(config, largest_diameter=40, smallest_bead=1.3, density=4.65)
    with pytest.raises(ConfigError, match=r"measure\.voxel_size = 0\.4: .*at most 0\.3 µm"):
        check_electrode(config, largest_diameter=10.35, smallest_bead=0.3, density=4.65)
    with pytest.raises(ConfigError, match=r"manufacture\.force_field = 'default': .*stiff"):
        check_force_field(config, {"stiff": "granular"})


def test_solvent_flows_through_beads_of_its_own_volume_only():
    drying = {
        "manufacture": {"drying": {"model": "heterogeneous", "rate_ratio": 10.0, "viscosity": 50.0}}
    }
    config = load_config({**SMALLEST, **drying}, "own.yaml")
    check_force_field(config, {"default": "granular"})
    with pytest.raises(ConfigError, match=r"own\.yaml: manufacture\.drying\.model.*granular one"):
        check_force_field(config, {"default": "lennard-jones"})


@pytest.mark.parametrize(("pressure", "law", "refused"), [
    (22.0, "lennard-jones", True), (60.0, "lennard-jones", False), (22.0, "granular", False),
])  # fmt: skip
def test_the_published_soft_films_need_pressure_to_dry(pressure, law, refused):
    drying = {"drying": {"pressure": pressure}}
    config = load_config({**SMALLEST, "manufacture": drying}, "mine.yaml")
    if not refused:
        return check_force_field(config, {"default": law})
    with pytest.raises(ConfigError, match=r"manufacture\.drying\.pressure = 22: .*at least 60"):
        check_force_field(config, {"default": law})


def all_fields(model, prefix=""):
    for name, field in model.model_fields.items():
        inner = _strip(field.annotation)
        yield prefix + name, field
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from all_fields(inner, f"{prefix}{name}.")


def test_every_field_has_description_unit_range_and_example():
    fields = dict(all_fields(Config)) | dict(all_fields(Recipe, "recipes."))
    assert len(fields) > 30
    for name, field in fields.items():
        assert field.description, name
        kind = _strip(field.annotation)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            continue
        assert field.examples, name
        if kind in (int, float) or _is_range(field):
            inner = _strip(kind).__args__[0] if _is_range(field) else None
            found = _constraints(inner) if inner else field.metadata
            if name != "campaign.seed":
                assert field.json_schema_extra.get("unit"), name
            lower = any(isinstance(part, annotated_types.Ge | annotated_types.Gt) for part in found)
            upper = any(isinstance(part, annotated_types.Le | annotated_types.Lt) for part in found)
            if _optional(field):
                continue  # the limits of optional numbers are tested by bad configs
            assert lower, name
            assert upper, name


def _optional(field):
    return type(None) in getattr(field.annotation, "__args__", ())


def test_examples_are_valid():
    config = load_config(SMALLEST, "own.yaml")
    for block in ("electrode", "measure", "engine"):
        model = type(getattr(config, block))
        for name, field in model.model_fields.items():
            model.model_validate({name: field.examples[0]})


@given(st.text(min_size=1, max_size=12), st.none() | st.booleans() | st.text() | st.floats())
def test_unknown_keys_and_odd_values_give_one_line(key, value):
    for mapping in (
        {**SMALLEST, key: value},
        {**SMALLEST, "measure": {key: value}},
        {**SMALLEST, "measure": {"voxel_size": value}},
    ):
        try:
            load_config(mapping, "own.yaml")
        except ConfigError as error:
            assert "\n" not in str(error)
            assert str(error).startswith("own.yaml: ")
