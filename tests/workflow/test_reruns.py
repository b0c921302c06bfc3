"""An edit runs again exactly what depends on it."""

import yaml

# What follows a new dataset.
REPORT = {"draw_campaign": 1, "write_page": 1}
# The finished campaign: 2 slurries, 2 compressions each.
EVERYTHING_MADE = REPORT | {
    "slurry": 2,
    "dry": 2,
    "press": 2,
    "calender": 4,
    "measure": 4,
    "gather": 1,
    "dataset": 1,
    "calendering_curves": 1,
    "draw_pictures": 1,
}
MEASURING = {"measure": 4, "gather": 1, "dataset": 1} | REPORT
CALENDERING = {"calender": 4, "draw_pictures": 1} | MEASURING
PRESSING = {"press": 2, "calendering_curves": 1} | CALENDERING
TABLES = REPORT | {
    "design": 1,
    "draw_design": 1,
    "dataset": 1,
    "calendering_curves": 1,
    "draw_pictures": 1,
}
MATERIAL = "config/materials/nmc111.yaml"


def change_force_field(clone, *keys, factor=1.1):
    path = clone.folder / MATERIAL
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    block = content["force_fields"]["default"]
    for key in keys[:-1]:
        block = block[key]
    block[keys[-1]] *= factor
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")


def test_nothing_changed(finished):
    assert finished.plan() == {}


def test_plot_colour(finished):
    finished.edit("src/coatline/report/style.py", '"#0072B2"', '"#0072B3"')
    drawn = {"draw_design": 1, "draw_pictures": 1}
    assert finished.plan() == drawn | REPORT


def test_conductivity(finished):
    finished.edit(MATERIAL, "value: 19.0", "value: 19.5")
    assert finished.plan() == MEASURING


def test_voxel_size(finished):
    finished.configure(measure={"voxel_size": 0.7})
    assert finished.plan() == MEASURING


def test_force_field_of_dried_film(finished):
    change_force_field(finished, "dried", "am_am", "young_modulus")
    assert finished.plan() == {"dry": 2} | PRESSING


def test_force_field_of_yielding(finished):
    change_force_field(finished, "yielding", "rate")
    assert finished.plan() == PRESSING


def test_force_field_of_slurry(finished):
    change_force_field(finished, "slurry", "drag")
    assert finished.plan() == EVERYTHING_MADE


def test_drying_pressure(finished):
    finished.configure(manufacture={"drying": {"pressure": 90.0}})
    assert finished.plan() == {"dry": 2} | PRESSING


def test_seed_of_the_campaign_needs_another_name(finished):
    finished.configure(campaign={"seed": 2})
    result = finished.snakemake("-n", "--configfile", "small.yaml")
    assert result.returncode != 0 and "campaign.name" in result.stderr


def test_added_compression(finished):
    finished.configure(design={"compressions": 3})
    new = {"calender": 2, "measure": 2, "gather": 1} | TABLES
    assert finished.plan() == new


def test_added_slurry(finished):
    finished.configure(design={"slurries": 3})
    new = {"slurry": 1, "dry": 1, "press": 1, "calender": 2, "measure": 2, "gather": 1}
    assert finished.plan() == new | TABLES


def test_slurries_in_another_chunk_leave_the_first_alone(finished):
    finished.configure(design={"slurries": 17})
    plan = finished.plan()
    assert plan["slurry"] == 15 and plan["gather"] == 2
    chunks = finished.snakemake(
        "-n", "--configfile", "small.yaml", "--", "results/small/dataset.nc"
    )
    assert "gather chunk 0001" in chunks.stdout + chunks.stderr


def test_engine_and_success_do_not_remake_electrodes(finished):
    finished.configure(engine={"threads": 2}, campaign={"minimum_success": 0.5})
    assert finished.plan() == {"dataset": 1} | REPORT


def test_published_data(finished):
    finished.edit("config/published/nmc111.yaml", "values: [0.487]", "values: [0.488]")
    assert finished.plan() == REPORT


def test_words_of_the_page(finished):
    finished.append("src/coatline/report/page/style.css", "p { margin: 0; }\n")
    assert finished.plan() == {"write_page": 1}


def test_bead_diameter(finished):
    finished.configure(electrode={"bead_diameter": 1.9})
    assert finished.plan() == EVERYTHING_MADE


def test_formula_of_calendering_curves(finished):
    finished.edit("src/coatline/measure/curves.py", "100 * (1 - series", "99 * (1 - series")
    assert finished.plan() == {"calendering_curves": 1} | REPORT


def test_docstrings_comments_and_scripts_in_other_words(finished):
    finished.append("src/coatline/measure/electrode.py", "\n# A remark.\n")
    finished.append("src/coatline/manufacture/stages.py", '\n\n"""A remark."""\n')
    finished.append("workflow/scripts/measure.py", "\n# A remark.\n")
    finished.append("workflow/lammps/film.lmp", "\n# A remark.\n")
    finished.append(MATERIAL, "\n# A remark.\n")
    finished.append("envs/coatline.yaml", "\n# A remark.\n")
    assert finished.plan() == {}


def test_formula_of_measuring(finished):
    finished.edit(
        "src/coatline/measure/electrode.py",
        '"density": solid_mass / box',
        '"density": box / solid_mass',
    )
    assert finished.plan() == MEASURING


def test_formula_of_calendering_alone(finished):
    finished.edit("src/coatline/manufacture/stages.py", "100 * (1 - lowest", "99 * (1 - lowest")
    assert finished.plan() == CALENDERING


def test_number_in_a_deck(finished):
    finished.append("workflow/lammps/dry.lmp", "\nrun 10\n")
    assert finished.plan() == {"dry": 2} | PRESSING


def test_number_in_an_included_deck(finished):
    finished.append("workflow/lammps/release.lmp", "\nrun 10\n")
    plan = finished.plan()
    assert plan == {"dry": 2} | PRESSING
