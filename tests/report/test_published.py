"""Published data: the shipped file, its labels, and what is wrong with others."""

import copy
from pathlib import Path

import pytest
import yaml

from coatline.errors import ConfigError, InputError
from coatline.report.published import Published, load_published

FILE = Path(__file__).resolve().parents[2] / "config" / "published" / "nmc111.yaml"


@pytest.fixture(scope="module")
def content():
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def test_every_shipped_datum_has_labels_and_a_source():
    published = load_published(FILE)
    for datum in published.data:
        assert datum.source in published.sources
        assert datum.labels
        if datum.property == "porosity":
            assert datum.porosity and datum.foil, datum.name
            assert all(0 < value < 1 for value in datum.values), datum.name
        if datum.over in ("compression_rate", "gap") and any(datum.at):
            assert datum.compression, datum.name
        if datum.over == "compression_rate":
            assert all(at == 0 or at >= 1 for at in datum.at), f"{datum.name}: percent"


def test_what_a_label_says():
    published = load_published(FILE)
    labels = published["curve-96-measured"].labels
    assert "experiment" in labels and "nanopores not stated" in labels
    assert "CR not said to be at the gap or after release" in labels
    assert "foil in" in published["gaps-96"].labels
    assert str(published["dried-94"].recipe) == "94/60"
    assert str(published["limit"].recipe) == "96/–"


def test_tortuosity_series_conserves_its_solids_as_its_note_says():
    datum = load_published(FILE)["tortuosity-96"]
    solids = [(1 - e) * h for e, h in zip(datum.at, (165.0, 141.6, 133.8), strict=True)]
    assert max(solids) / min(solids) - 1 < 0.0111


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [0.3, 0.2]}, "one value per `at`, got 2 values and 1"),
        ({"porosity": None}, "say whether porosity is total"),
        ({"source": "hearsay"}, "source 'hearsay' is none of artistic, digest"),
        ({"name": "dried-90"}, "dried-90: two data have this name"),
        ({"spread": [0.1, 0.2]}, "one spread per value, got 2"),
        ({"values": [-0.1]}, "greater than 0"),
        ({"values": [48.7]}, "a porosity is a share between 0 and 1"),
        ({"at": [100.0]}, "compression rates are below 100 %"),
        ({"grade": "rumour"}, "grade"),
        ({"colour": "red"}, "colour"),
        ({"relative": True}, "relative values begin with 1"),
    ],
)
def test_a_bad_datum_is_named_on_one_line(tmp_path, content, change, message):
    content = copy.deepcopy(content)
    datum = next(one for one in content["data"] if one["name"] == "dried-94")
    datum |= change
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigError) as caught:
        load_published(path)
    text = str(caught.value)
    assert message in text and text.startswith(f"{path}: ") and "\n" not in text
    assert "dried-9" in text


def test_a_datum_that_is_not_there_is_named(content):
    content = {**content, "data": content["data"][:1]}
    with pytest.raises(InputError, match="there is no datum 'curve-96-simulated'"):
        Published.model_validate(content)["curve-96-simulated"]
