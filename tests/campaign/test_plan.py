"""A campaign's plan: seeds, chunks and what stages are given."""

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
