"""A campaign's plan: seeds, chunks and what stages are given."""

import json
from pathlib import Path

import pytest
import yaml

from coatline.campaign.plan import derive_seed, make_plan, name_chunk
from coatline.errors import ConfigError

CONFIG = Path(__file__).resolve().parents[2] / "config"


def plan_of(tmp_path, **design):
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    mapping["design"] |= design
    return make_plan(mapping, str(CONFIG / "demo.yaml"), cache=tmp_path, results=tmp_path)


def test_seeds_are_stable_and_differ():
    assert derive_seed(1, "y00") == derive_seed(1, "y00")
    seeds = {derive_seed(seed, f"y{j:02d}") for seed in range(20) for j in range(200)}
    assert len(seeds) == 4000
    assert all(0 < seed < 2**31 - 1 for seed in seeds)


def test_seed_of_a_slurry_does_not_change_with_more_slurries(tmp_path):
    few, many = plan_of(tmp_path, slurries=4), plan_of(tmp_path, slurries=40)
    assert few.seed_of("y03") == many.seed_of("y03")


def test_chunks_hold_fixed_slurries(tmp_path):
    few, many = plan_of(tmp_path, slurries=17), plan_of(tmp_path, slurries=40)
    assert few.chunks["0000"] == many.chunks["0000"]
    assert [len(samples) for samples in many.chunks.values()] == [64, 64, 32]
    assert sorted(s for samples in many.chunks.values() for s in samples) == sorted(
        row.sample for row in many.design
    )
    assert name_chunk("y15") == "0000" and name_chunk("y16") == "0001"


def test_replicates_have_their_own_seeds_and_the_chunk_of_their_recipe(tmp_path):
    recipes = [{"active_material": 96, "solid_content": 69, "compression_rate": 20}]
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    mapping["design"] = {"kind": "recipes", "recipes": recipes, "replicates": 3}
    plan = make_plan(mapping, str(CONFIG / "demo.yaml"), cache=tmp_path, results=tmp_path)
    assert list(plan.design.slurries) == ["y00", "y00r1", "y00r2"]
    assert len({plan.seed_of(slurry) for slurry in plan.design.slurries}) == 3
    assert plan.chunks == {"0000": ["y00c0", "y00r1c0", "y00r2c0"]}
    assert name_chunk("y16r3") == "0001"
    assert plan.ranges == {}


def test_beads_are_the_materials_unless_the_electrode_asks(tmp_path):
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    plain = make_plan(mapping, "demo.yaml", cache=tmp_path, results=tmp_path)
    assert plain.ingredients == plain.material.ingredients()
    mapping["electrode"]["bead_diameter"] = 1.3
    small = make_plan(mapping, "demo.yaml", cache=tmp_path, results=tmp_path)
    assert small.ingredients == plain.ingredients | {"bead_diameter": 1.3}
    assert small.size == plain.size == {"solid_mass": 0.0256, "solid_loading": 10.0}
    mapping["electrode"]["bead_diameter"] = 0.3
    with pytest.raises(ConfigError, match=r"measure\.voxel_size = 0\.4: .*at most 0\.3 µm"):
        make_plan(mapping, "demo.yaml", cache=tmp_path, results=tmp_path)


def test_published_data_go_by_the_name_of_the_material(tmp_path):
    assert plan_of(tmp_path).published == CONFIG / "published" / "nmc111.yaml"
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    own = tmp_path / "other.yaml"
    own.write_text((CONFIG / "materials" / "nmc111.yaml").read_text(encoding="utf-8"))
    mapping["material"] = str(own)
    assert make_plan(mapping, "own.yaml", cache=tmp_path, results=tmp_path).published is None


def plan_with(tmp_path, optimise, **blocks):
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    mapping |= {"optimise": optimise} | blocks
    return make_plan(mapping, str(CONFIG / "demo.yaml"), cache=tmp_path, results=tmp_path)


OWN = [{"active_material": 94, "solid_content": 60, "compression_rate": rate} for rate in (10, 20)]


def test_late_electrodes_have_letters_of_their_own(tmp_path):
    plan = plan_with(tmp_path, {"rounds": 2, "batch": 2, "replicates": 2, "recipes": OWN})
    assert plan.optimum_samples == ["o00c0", "o00r1c0"]
    # Equal slurries are shared, replicates are not.
    assert [row.sample for row in plan.choice] == ["u00c0", "u00r1c0", "u00c1", "u00r1c1"]
    assert plan.find_sample("u00r1c1").compression_rate == 20.0
    assert plan.find_slurry("u00").samples == ("u00c0", "u00c1")
    assert plan.rounds == {1: ["p0101c0", "p0102c0"], 2: ["p0201c0", "p0202c0"]}
    assert plan.find_sample("y00c0") == plan.design["y00c0"]
    grown = plan_with(tmp_path, {"rounds": 3, "batch": 3, "recipes": OWN})
    assert all(set(plan.rounds[k]) < set(grown.rounds[k]) for k in (1, 2))
    late = [*plan.optimum_samples, *plan.rounds[1], *(row.sample for row in plan.choice)]
    slurries = {name.partition("c")[0] for name in late}
    assert len({plan.seed_of(name) for name in [*slurries, "y00"]}) == len(slurries) + 1


def test_settings_of_all_electrodes(tmp_path):
    """What electrodes must share to be learned from together, and nothing that they need not."""
    plan = plan_with(tmp_path, {}, electrode={"solid_mass": 0.03, "solid_loading": 9})
    settings = plan.settings
    assert settings["electrode.solid_mass"] == 0.03 and settings["electrode.solid_loading"] == 9
    assert settings["measure.voxel_size"] == plan.config.measure.voxel_size
    assert settings["manufacture.drying.pressure"] == plan.config.manufacture.drying.pressure
    assert settings["material.force_field.slurry.drag"] == plan.force_field["slurry"]["drag"]
    assert not [key for key in settings if key.endswith(("retries", "keep_labels", "_spacing"))]
    assert json.loads(json.dumps(settings)) == settings


def test_nothing_is_learned_unless_asked(tmp_path):
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    del mapping["learn"], mapping["optimise"]
    plan = make_plan(mapping, "demo.yaml", cache=tmp_path, results=tmp_path)
    assert plan.properties == [] and plan.learn is plan.optimise is None
    assert plan.optimum_samples == [] and plan.rounds == {} and len(plan.choice) == 0
    # What is optimised is learned, with all defaults of learning.
    goals = {"goals": {"porosity": "maximise"}, "targets": {"thickness": [50, None]}}
    plan = make_plan(mapping | {"optimise": goals}, "demo.yaml", cache=tmp_path, results=tmp_path)
    assert plan.properties[-2:] == ["porosity", "thickness"] and plan.learn.seeds == 75
    assert plan.replicates == 3


def test_recipes_of_choice_lie_where_surrogates_hold(tmp_path):
    out = [OWN[0] | {"compression_rate": 50}]
    line = r"optimise\.recipes\[0\]\.compression_rate = 50: is out of .* 2 to 37 %"
    with pytest.raises(ConfigError, match=line):
        plan_with(tmp_path, {"recipes": out})


def test_the_share_asked_for_leaves_electrodes_to_score_on(tmp_path):
    with pytest.raises(ConfigError, match=r"learn.test_share = 0.05: leaves 1 of 16 electrodes"):
        plan_with(tmp_path, {}, learn={"test_share": 0.05})
    assert plan_with(tmp_path, {}, learn={"test_share": 0.2}).learn.test_share == 0.2


def test_box_of_what_varies(tmp_path):
    design = {"kind": "recipes", "recipes": OWN}
    plan = plan_with(tmp_path, {}, design=design)
    assert plan.box == {"compression_rate": [10.0, 20.0]}
    assert plan.fixed == {"active_material": 94.0, "solid_content": 60.0}


def test_a_given_dataset(tmp_path):
    file = tmp_path / "given" / "dataset.nc"
    file.parent.mkdir()
    file.write_bytes(b"\x89HDF\r\n\x1a\n")
    campaign = {"name": "own", "dataset": str(file)}
    plan = plan_with(tmp_path, {}, campaign=campaign)
    assert plan.dataset == file and plan.curves is None
    # No electrode is made unless asked for.
    assert plan.replicates == 0 and plan.optimum_samples == []
    assert plan_with(tmp_path, {"replicates": 2}, campaign=campaign).replicates == 2
    (file.parent / "calendering_curves.nc").touch()
    assert (
        plan_with(tmp_path, {}, campaign=campaign).curves == file.parent / "calendering_curves.nc"
    )


def test_names_of_properties_are_those_of_a_dataset():
    from coatline.campaign.config.learn import PROPERTIES, PUBLISHED
    from coatline.measure.sample import CALENDERING, VARIABLES
    from coatline.optimise.objective import PUBLISHED_GOALS

    assert set(PROPERTIES) <= {*VARIABLES, *CALENDERING}
    assert set(VARIABLES) - set(PROPERTIES) == {
        name for name in VARIABLES if name.startswith(("flux_", "overlap_", "mean_", "sphere_"))
    }
    assert PUBLISHED == PUBLISHED_GOALS


def test_press_knows_the_upper_compression_alone(tmp_path):
    few, many = plan_of(tmp_path, compressions=1), plan_of(tmp_path, compressions=9)
    assert few.upper_compression == many.upper_compression == 37.0
    assert few.grid == many.grid == [f"{k:02d}" for k in range(15)]


def test_a_design_on_disk_that_contradicts(tmp_path):
    plan = plan_of(tmp_path)
    table = plan.folder / "design" / "design.csv"
    table.parent.mkdir(parents=True)
    table.write_text(
        "sample,slurry,active_material,solid_content,compression_rate\ny00c0,y00,90,60,20\n"
    )
    with pytest.raises(ConfigError, match="y00c0"):
        plan_of(tmp_path)


def test_description_is_plain_and_complete(tmp_path):
    import json

    described = plan_of(tmp_path).describe()
    assert json.loads(json.dumps(described)) == described
    assert described["measure"]["supersampling"] == 4  # a default
    assert described["material"]["name"] == "NMC111"


def test_a_campaign_does_not_start_from_the_dataset_that_it_makes(tmp_path):
    mapping = yaml.safe_load((CONFIG / "demo.yaml").read_text(encoding="utf-8"))
    for name in ("demo", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "dataset.nc").write_bytes(b"\x89HDF\r\n\x1a\n")
    mapping["campaign"]["dataset"] = str(tmp_path / "other" / "dataset.nc")
    assert make_plan(mapping, "own.yaml", cache=tmp_path, results=tmp_path).dataset is not None
    mapping["campaign"]["dataset"] = str(tmp_path / "demo" / "dataset.nc")
    with pytest.raises(ConfigError, match=r"campaign\.dataset.*another campaign\.name"):
        make_plan(mapping, "own.yaml", cache=tmp_path, results=tmp_path)
