from pathlib import Path

import pytest

from coatline.errors import ConfigError
from coatline.report.paper import load_paper
from coatline.report.published import load_published

FOLDER = Path(__file__).resolve().parents[2] / "config" / "published"


def test_the_shipped_campaign_agrees_with_the_data_beside_it():
    paper = load_paper(FOLDER / "nmc111-campaign.yaml")
    published = load_published(FOLDER / "nmc111.yaml")
    assert paper.source == published.sources["duquesnoy"]
    recipe = paper.optimum.recipe
    (datum,) = (
        one
        for one in published.data
        if one.property == "effective_electronic_conductivity"
        and one.recipe.active_material == recipe.active_material
        and one.recipe.solid_content == recipe.solid_content
    )
    assert datum.at == [recipe.compression_rate]
    assert datum.values == [paper.optimum.properties["effective_electronic_conductivity"]]
    assert set(paper.scores) == set(paper.extremes)
    for one in paper.scores.values():
        assert one.ci95[0] < one.ci95[1]


def test_a_wrong_file_is_one_line(tmp_path):
    path = tmp_path / "some.yaml"
    path.write_text("material: NMC111\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"some\.yaml: source: Field required"):
        load_paper(path)
