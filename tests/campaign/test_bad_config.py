"""Every bad configuration gives one line: file, key, value, what would be right."""

import copy

import pytest

from coatline.campaign.config import load_config, read_config
from coatline.errors import ConfigError

GOOD = {"campaign": {"name": "own"}, "design": {"slurries": 4, "compressions": 3}}
OWN = {"kind": "recipes", "slurries": None, "compressions": None}
RECIPE = {"active_material": 90, "solid_content": 60, "compression_rate": 10}
HETEROGENEOUS = {"model": "heterogeneous", "rate_ratio": 100, "viscosity": 50}
INF = float("inf")

BAD = [
    # unknown keys
    ({"measure": {"voxelsize": 0.4}}, "measure.voxelsize: unknown key; did you mean voxel_size?"),
    ({"elctrode": {}}, "elctrode: unknown key; did you mean electrode?"),
    ({"voxel_size": 0.4}, "voxel_size: unknown key; it belongs to measure.voxel_size"),
    ({"engine": {"colour": 1}}, "engine.colour: unknown key; known keys: command, launcher"),
    ({"manufacture": {"drying": {"temprature": 80}}}, "manufacture.drying.temprature: unknown key"),
    ({3: 4}, "the file: the key 3 is no text"),
    # wrong types
    ({"electrode": {"solid_mass": True}}, "electrode.solid_mass = true: is a truth value"),
    ({"electrode": {"solid_mass": None}}, "electrode.solid_mass = null: has no value"),
    ({"electrode": {"solid_mass": "much"}}, "electrode.solid_mass = 'much': is text; must be a nu"),
    ({"electrode": {"solid_mass": [1]}}, "electrode.solid_mass = [1]: must be a number above 0"),
    ({"electrode": {"solid_mass": "1e-1"}}, "electrode.solid_mass = '1e-1': is text; write 0.1"),
    (
        {"electrode": 0.1},
        "electrode = 0.1: must be a block with the keys solid_mass, solid_loading",
    ),
    ({"measure": {"keep_labels": "yes"}}, "measure.keep_labels = 'yes': must be true or false"),
    ({"measure": {"supersampling": 2.5}}, "measure.supersampling = 2.5: must be a whole number fr"),
    ({"campaign": {"seed": 1.0}}, "campaign.seed = 1.0: must be a whole number from 0"),
    (
        {"campaign": {"seed": True}},
        "campaign.seed = true: is a truth value; must be a whole number",
    ),
    ({"engine": {"command": 3}}, "engine.command = 3: must be text"),
    ({"campaign": None}, "campaign = null: has no value; must be a block with the keys name, seed"),
    # wrong units
    ({"electrode": {"solid_mass": "0.1 ug"}}, "write the number alone, its unit is always µg: 0.1"),
    ({"electrode": {"solid_mass": "100 ng"}}, "write the number alone, in µg"),
    ({"electrode": {"solid_loading": "10 mg/cm2"}}, "electrode.solid_loading = '10 mg/cm2': write"),
    ({"measure": {"voxel_size": "0.4um"}}, "its unit is always µm: 0.4"),
    ({"design": {"active_material": ["85 %", 97]}}, "design.active_material = ['85 %', 97]: write"),
    ({"design": {"active_material": [0.85, 0.97]}}, "is in percent: [85, 97]"),
    ({"design": {"compression_rate": [0, 0.4]}}, "compression_rate is in percent: [0, 40]"),
    ({"campaign": {"minimum_success": 90}}, "must be a number from 0 to 1 (a share; 0.9 is 90 %)"),
    # out of range
    ({"electrode": {"solid_mass": -0.1}}, "electrode.solid_mass = -0.1: must be a number above 0"),
    ({"electrode": {"solid_mass": 0.01}}, "10.0 µm wide"),
    ({"electrode": {"solid_mass": 0.01}}, "narrower than 16 µm; give at least 0.0256 µg"),
    ({"electrode": {"solid_mass": float("nan")}}, "electrode.solid_mass = nan: is not finite"),
    ({"electrode": {"solid_loading": INF}}, "electrode.solid_loading = inf: is not finite"),
    ({"measure": {"voxel_size": 9}}, "measure.voxel_size = 9: must be a number from 0.05 to 5 µm"),
    ({"measure": {"supersampling": 9}}, "measure.supersampling = 9: must be a whole number from 1"),
    (
        {"design": {"active_material": [97, 85]}},
        "is reversed; the lower bound comes first: [85, 97]",
    ),
    ({"design": {"active_material": [85, 100]}}, "two numbers from 50 to 99.5 %, e.g. [85, 97]"),
    ({"design": {"solid_content": [5, 72]}}, "design.solid_content = [5, 72]: must be [lower, upp"),
    ({"design": {"compression_rate": [2, 90]}}, "two numbers from 0 to 60 %"),
    ({"design": {"active_material": 90}}, "design.active_material = 90: must be [lower, upper]"),
    (
        {"design": {"active_material": [85]}},
        "design.active_material = [85]: must be [lower, upper]",
    ),
    ({"design": {"active_material": [85, True]}}, "active_material = [85, True]: must be [lower"),
    ({"design": {"compression_rate": [9, 9]}}, "design.compression_rate = [9, 9]: leaves nothing"),
    ({"design": {"slurries": 0}}, "design.slurries = 0: must be a whole number from 1"),
    (
        {"manufacture": {"retries": 9}},
        "manufacture.retries = 9: must be a whole number from 0 to 5",
    ),
    ({"manufacture": {"pressing": {"speed": 0}}}, "manufacture.pressing.speed = 0: must be a numb"),
    # what follows the dataset
    ({"learn": None}, "learn = null: has no value; give {} for all defaults, or leave the block"),
    ({"learn": {"properties": ["dens"]}}, "'dens' is no property of an electrode; did you mean de"),
    ({"learn": {"properties": ["density", "density"]}}, "holds density twice"),
    ({"learn": {"properties": []}}, "learn.properties = []: is empty; give at least one property"),
    ({"learn": {"seeds": 1}}, "learn.seeds = 1: must be a whole number from 2 to 1000 splits"),
    ({"learn": {"sobol_points": 5000}}, "sobol_points = 5000: is no power of two; take 4096 or 8"),
    ({"optimise": {"goals": {}}}, "optimise.goals = {}: is empty; give at least one property"),
    ({"optimise": {"goals": {"density": "maximize"}}}, "goals.density = 'maximize': must be minim"),
    ({"optimise": {"goals": {"densty": "maximise"}}}, "optimise.goals.densty = 'maximise': is no"),
    ({"optimise": {"goals": ["density"]}}, "optimise.goals = ['density']: must be: minimise or"),
    ({"optimise": {"weights": {"density": -1}}}, "optimise.weights.density = -1: must be a numbe"),
    ({"optimise": {"weights": {"porosity": 1}}}, "but porosity is none of optimise.goals"),
    (
        {"optimise": {"goals": {"density": "maximise"}, "weights": {"density": 0}}},
        "optimise.weights = {'density': 0}: are all 0; give at least one property a weight",
    ),
    ({"optimise": {"targets": {"density": [3, 2]}}}, "is reversed; the lower end comes first: [2,"),
    ({"optimise": {"targets": {"density": [None, None]}}}, "targets.density = [None, None]: is op"),
    ({"optimise": {"targets": {"density": 2}}}, "optimise.targets.density = 2: must be [lower, u"),
    ({"optimise": {"targets": {"colour": [1, 2]}}}, "optimise.targets.colour = [1, 2]: is no prop"),
    ({"optimise": {"surrogate": "gp"}}, "optimise.surrogate = 'gp': must be one of sisso, proces"),
    ({"optimise": {"calls": 9}}, "optimise.calls = 9: must be a whole number from 10 to 2000 call"),
    ({"optimise": {"recipes": "no.csv"}}, "optimise.recipes = 'no.csv': there is no such file"),
    ({"optimise": {"rounds": -1}}, "optimise.rounds = -1: must be a whole number from 0 to 99"),
    # names and choices
    ({"campaign": {"name": "My Campaign"}}, "campaign.name = 'My Campaign': must be text (name of"),
    ({"campaign": {"name": "../up"}}, "lower-case letters, digits, - and _, at most 40"),
    ({"campaign": {"name": "a" * 41}}, "campaign.name = 'aaa"),
    ({"campaign": {"name": "ok\n"}}, "campaign.name = 'ok"),
    ({"material": "nmc811"}, "material = 'nmc811': there is no file config/materials/nmc811.yaml"),
    ({"material": "gone/x.yaml"}, "give a path or one of nmc111"),
    ({"design": {"kind": "shared_slurries"}}, "did you mean shared-slurries?"),
    (
        {"manufacture": {"drying": {"model": "fast"}}},
        "drying.model = 'fast': must be one of homogeneous, heterogeneous",
    ),
    (
        {"manufacture": {"drying": {"rate_ratio": 10}}},
        "manufacture.drying.rate_ratio = 10: belongs to model heterogeneous, this drying is homog",
    ),
    (
        {"manufacture": {"drying": HETEROGENEOUS | {"viscosity": None}}},
        "manufacture.drying.viscosity is missing; model heterogeneous needs it",
    ),
    (
        {"manufacture": {"drying": HETEROGENEOUS | {"rate_ratio": 0.1}}},
        "manufacture.drying.rate_ratio = 0.1: must be a number from 1 to 10000, e.g. 100",
    ),
    (
        {"manufacture": {"drying": HETEROGENEOUS | {"viscosity": 500}}},
        "manufacture.drying.viscosity = 500: must be a number from 0 to 100 mPa·s",
    ),
    ({"engine": {"launcher": "srun -n {n}"}}, "engine.launcher = 'srun -n {n}': may hold the plac"),
    (
        {"engine": {"launcher": "", "threads": 2}},
        "engine.threads = 2: needs a launcher that starts",
    ),
    # what belongs to the kind
    ({"design": {"compressions": None}}, "design.compressions is missing; kind shared-slurries ne"),
    ({"design": {"samples": 9}}, "design.samples = 9: belongs to kind random and saltelli"),
    ({"design": {"recipes": [RECIPE]}}, "design.recipes = [{'active_material': 90, 'solid_content"),
    (
        {"design": {"kind": "saltelli"}},
        "design.slurries = 4: belongs to kind shared-slurries and r",
    ),
    (
        {"design": {"kind": "random", "compressions": None, "samples": 3}},
        "design.samples = 3: is less than one sample for each of the 4 slurries; give at least 4",
    ),
    (
        {"design": OWN | {"kind": "saltelli", "samples": 8, "solid_content": [60, 60]}},
        "design.solid_content = [60, 60]: leaves nothing to vary",
    ),
    # recipes
    ({"design": OWN}, "design.recipes is missing; kind recipes needs it"),
    ({"design": OWN | {"recipes": []}}, "design.recipes = []: is empty; give at least one recipe"),
    (
        {"design": OWN | {"recipes": "gone.csv"}},
        "design.recipes = 'gone.csv': there is no such file",
    ),
    ({"design": OWN | {"recipes": {"a": 1}}}, "design.recipes = {'a': 1}: must be: kind recipes"),
    (
        {"design": OWN | {"recipes": [RECIPE | {"active_material": 0.9}]}},
        "design.recipes[0].active_material = 0.9: looks like a fraction; active_material is in",
    ),
    (
        {"design": OWN | {"recipes": [RECIPE, {"active_material": 90, "solid_content": 60}]}},
        "design.recipes[1].compression_rate is missing: must be a number from 0 to 60 %",
    ),
    (
        {"design": OWN | {"recipes": [RECIPE, RECIPE]}},
        "repeats recipe 1 of the list; for more electrodes of each recipe give design.replicates",
    ),
    (
        {"design": OWN | {"recipes": [RECIPE], "replicates": 0}},
        "design.replicates = 0: must be a whole number from 1 to 1000 replicates",
    ),
    (
        {"design": {"replicates": 5}},
        "design.replicates = 5: belongs to kind recipes, this design is shared-slurries",
    ),
    (
        {"electrode": {"bead_diameter": 0}},
        "electrode.bead_diameter = 0: must be a number above 0",
    ),
    ({"electrode": {"bead_diameter": "1.3 um"}}, "its unit is always µm: 1.3"),
    (
        {"design": OWN | {"recipes": [RECIPE | {"compresion_rate": 3}]}},
        "design.recipes[0].compresion_rate: unknown key; did you mean compression_rate?",
    ),
    (
        {"design": OWN | {"recipes": [RECIPE], "active_material": [85, 97]}},
        "design.active_material = [85, 97]: is a range and not used by kind recipes",
    ),
]


def change(changes):
    mapping = copy.deepcopy(GOOD)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(mapping.get(key), dict)
        mapping[key] = mapping[key] | value if both else value
    return mapping


@pytest.mark.parametrize(("changes", "expected"), BAD, ids=[line[:40] for _, line in BAD])
def test_bad_config_gives_one_clear_line(changes, expected):
    with pytest.raises(ConfigError) as caught:
        load_config(change(changes), "config/own.yaml")
    line = str(caught.value)
    assert line.startswith("config/own.yaml: ")
    assert expected in line
    assert "\n" not in line
    assert "also wrong" not in line


def test_missing_blocks_and_several_errors():
    with pytest.raises(ConfigError, match=r"campaign is missing: must be a block .*name"):
        load_config({"design": GOOD["design"]}, "own.yaml")
    with pytest.raises(
        ConfigError, match=r"measure\.voxel: .*\(also wrong: electrode\.solid_mass\)"
    ):
        load_config(change({"measure": {"voxel": 1}, "electrode": {"solid_mass": -1}}), "own.yaml")


@pytest.mark.parametrize("mapping", [None, [], "text", 3])
def test_config_that_is_no_mapping(mapping):
    with pytest.raises(ConfigError, match=r"own\.yaml: must hold keys and values"):
        load_config(mapping, "own.yaml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "must hold keys and values"),
        ("- a\n- b\n", "must hold keys and values"),
        ("campaign: {name: a\ndesign: b: c\n", ", line 2: cannot be read as YAML"),
        ("campaign: {name: a}\ncampaign: {name: b}\n", ", line 2: .*key campaign is given twice"),
        ("a: \x00", "cannot be read as YAML"),
        ("!!python/object:os.system {}", "cannot be read as YAML"),
    ],
)
def test_bad_yaml_names_the_line(tmp_path, text, expected):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=expected) as caught:
        read_config(path)
    assert "own.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_config_file(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.yaml: there is no such file"):
        read_config(tmp_path / "gone.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path)


HEAD = "active_material,solid_content,compression_rate\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "own.csv: is empty; begin with the line active_material,"),
        (HEAD, "own.csv: holds no recipe"),
        ("am,sc,cr\n90,60,20\n", "line 1: column active_material is missing; the header must be"),
        (HEAD[:-1] + ",speed\n90,60,20,3\n", "line 1: unknown column 'speed'"),
        (HEAD.replace(",", ";") + "90;60;20\n", "line 1: put commas between columns"),
        (HEAD + "90,60,20\n\n90,60\n", "line 4: 2 values for the 3 columns"),
        (HEAD + "90,60,3O\n", "line 2, column compression_rate = '3O': must be a number from 0 to"),
        (
            HEAD + "90,60,80\n",
            "line 2, column compression_rate = 80.0: must be a number from 0 to 6",
        ),
        (HEAD + "90,60,nan\n", "line 2, column compression_rate = nan: must be a number from 0"),
        (HEAD + "0.9,60,20\n", "line 2, column active_material = 0.9: looks like a fraction"),
        (HEAD + "90,60,20\n90,60,20\n", "design.recipes[1] = "),
    ],
)
def test_bad_recipe_file_names_line_and_column(tmp_path, text, expected):
    (tmp_path / "own.csv").write_text(text, encoding="utf-8")
    mapping = {"campaign": {"name": "own"}, "design": {"kind": "recipes", "recipes": "own.csv"}}
    with pytest.raises(ConfigError) as caught:
        load_config(mapping, str(tmp_path / "own.yaml"))
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
