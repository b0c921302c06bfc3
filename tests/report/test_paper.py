from pathlib import Path

import pytest

from coatline.errors import ConfigError
from coatline.optimise.objective import Aim
from coatline.report.paper import load_paper
from coatline.report.published import load_published
from coatline.report.sheets import explain_gap

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


def test_gap_between_two_recipes_in_words():
    """C_f of 1/2 (t² + u²): what each property adds to the difference, by hand."""
    aims = (Aim("density", "maximise", 2.0, 3.0), Aim("tortuosity_factor", "minimise", 1.0, 3.0))
    ours = {"density": 2.8, "tortuosity_factor": 2.0}
    theirs = {"density": 2.4, "tortuosity_factor": 1.5}
    # Shortfalls 0.2 and 0.6 of the density, 0.5 and 0.25 of the tortuosity.
    assert explain_gap(aims, ours, theirs) == (
        " Of C_f, our recipe gains 0.16 in density (2.80 against 2.40) and loses 0.094 in "
        "tortuosity factor (2.00 against 1.50) on the published one."
    )
    assert explain_gap(aims, ours, ours) == "" and explain_gap(aims, ours, {}) == ""
