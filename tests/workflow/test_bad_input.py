"""A campaign that cannot be made ends as one line, before any job."""

import pytest
import yaml

from tests.workflow.clones import make_clone

BAD = {
    "unknown key": (
        {"design": {"slurrys": 3}},
        "small.yaml: design.slurrys: unknown key; did you mean slurries?",
    ),
    "reversed range": (
        {"design": {"active_material": [97, 85]}},
        "small.yaml: design.active_material = [97, 85]: is reversed",
    ),
    "fractions in place of percent": (
        {"design": {"solid_content": [0.55, 0.72]}},
        "small.yaml: design.solid_content = [0.55, 0.72]: looks like fractions",
    ),
    "unit written along": (
        {"electrode": {"solid_mass": "0.1 µg"}},
        "small.yaml: electrode.solid_mass = '0.1 µg': write the number alone",
    ),
    "electrode narrower than its largest particle": (
        {"material": "large.yaml"},
        "small.yaml: electrode.solid_mass = 0.026: makes an electrode 16.1 µm wide, not wider "
        "than the largest particle",
    ),
    "voxel larger than a bead": (
        {"measure": {"voxel_size": 3.0}},
        "small.yaml: measure.voxel_size = 3: is larger than a CBD bead",
    ),
    "unknown force field": (
        {"manufacture": {"force_field": "defualt"}},
        "small.yaml: manufacture.force_field = 'defualt': is no force field of",
    ),
    "missing material": (
        {"material": "nmc999"},
        "small.yaml: material = 'nmc999': there is no file config/materials/nmc999.yaml",
    ),
    "missing recipes": (
        {"design": {"kind": "recipes", "recipes": "mine.csv"}},
        "small.yaml: design.recipes = 'mine.csv': there is no such file",
    ),
    "path as a name": (
        {"campaign": {"name": "../../elsewhere"}},
        "small.yaml: campaign.name = '../../elsewhere'",
    ),
    "commands as a name": (
        {"campaign": {"name": "$(touch hacked)"}},
        "small.yaml: campaign.name = '$(touch hacked)'",
    ),
}


def check_refused(clone, line, *options):
    result = clone.snakemake("--cores", "1", "--configfile", "small.yaml", *options)
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    said = [text for text in result.stderr.splitlines() if "profiles/default" not in text]
    assert len(said) == 1 and result.stdout == "", result.stderr
    assert said[0].startswith(f"coatline: error: {line}")
    assert not (clone.folder / "hacked").exists()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    clone = make_clone(tmp_path_factory.mktemp("bad") / "clone")
    material = yaml.safe_load((clone.folder / "config/materials/nmc111.yaml").read_text("utf-8"))
    material["particle_sizes"]["diameters"][-1] = 17.0
    text = yaml.safe_dump(material, allow_unicode=True)
    (clone.folder / "large.yaml").write_text(text, encoding="utf-8")
    return clone


@pytest.mark.parametrize("case", BAD)
def test_bad_configuration(shared, case):
    blocks, line = BAD[case]
    whole = {name: value for name, value in blocks.items() if not isinstance(value, dict)}
    shared.configure(**{n: v for n, v in blocks.items() if isinstance(v, dict)})
    if whole:
        path = shared.folder / "small.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | whole))
    if case == "missing recipes":
        path = shared.folder / "small.yaml"
        path.write_text(
            yaml.safe_dump(yaml.safe_load(path.read_text()) | {"design": blocks["design"]})
        )
    check_refused(shared, line)
    assert not (shared.folder / "results").exists()


def test_key_given_twice(shared):
    shared.configure()
    shared.append("small.yaml", "measure:\n  voxel_size: 0.5\n")
    check_refused(shared, "small.yaml")


def test_no_yaml(shared):
    (shared.folder / "small.yaml").write_text("campaign: [", encoding="utf-8")
    result = shared.snakemake("-n", "--configfile", "small.yaml")
    assert result.returncode != 0
    assert "Traceback" not in result.stdout + result.stderr
    assert "not valid JSON or YAML" in result.stdout + result.stderr


@pytest.mark.parametrize("option", [("-n",), ("--lint",), ("--summary",)])
def test_refused_whatever_is_asked(shared, option):
    shared.configure(design={"slurrys": 3})
    check_refused(shared, "small.yaml: design.slurrys: unknown key", *option)


def test_design_on_disk_that_contradicts(clone):
    table = clone.folder / "results/small/design/design.csv"
    table.parent.mkdir(parents=True)
    table.write_text(
        "sample,slurry,active_material,solid_content,compression_rate\ny00c0,y00,90.0,60.0,20.0\n"
    )
    before = table.read_bytes()
    check_refused(clone, "results/small/design/design.csv: sample y00c0: active_material is 90.0")
    assert table.read_bytes() == before
