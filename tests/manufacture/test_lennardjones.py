"""The published law: its coefficients by hand, its forces and motion by LAMMPS."""

import math
import re
import subprocess

import numpy as np
import pytest

from coatline.cli import main
from coatline.design.grid import grid_points
from coatline.errors import InputError
from coatline.manufacture.engine import Engine
from coatline.manufacture.forcefield import critical_time_step, write_force_field
from coatline.manufacture.lennardjones import Sizes, Well, find_stiffness, find_wells, pair_force
from coatline.manufacture.packing import write_packing
from coatline.manufacture.recipe import Ingredients, formulate
from coatline.manufacture.record import read_results, read_status
from coatline.manufacture.stages import (
    calender_film,
    dry_film,
    make_slurry,
    press_film,
    sizes_of,
)
from coatline.manufacture.state import AM, CBD, read_state
from tests.conftest import DECKS, DRYING, PRESSING, SLURRY, SOLID_MASS

SIZES = Sizes(bead=1.3, bead_liquid=2.8, active_material=(2.5, 10.0))
NAMES = ("published-a", "published-b")


def _coefficients(path, first, second, style):
    """Arguments of one `pair_coeff` line."""
    for line in path.read_text().splitlines():
        words = line.split()
        if words[:4] == ["pair_coeff", str(first), str(second), style]:
            return words[4:]
    raise AssertionError(f"{path}: no {style} for {first} {second}")


def _evaluate(text, gone):
    """The value of a number or of a LAMMPS formula of `gone`."""
    expression = text.removeprefix("$").replace("^", "**").replace("v_gone", repr(gone))
    return eval(expression, {"__builtins__": {}})


def test_coefficients_are_those_of_the_published_table(tmp_path, nmc111):
    """Set A, dried: CBD 800 d, .89 d, 2.2 µm; AM 400 d, .93 d, 1.2 d; contact 200, 1.235, 10."""
    field = nmc111.force_field("published-a")
    write_force_field(tmp_path, field["dried"], wet=field["slurry"], sizes=SIZES)
    pair = tmp_path / "pair.lmp"
    bead, large, mixed = (
        [float(word) for word in _coefficients(pair, a, b, "lj/smooth/linear")]
        for a, b in ((1, 1), (4, 4), (1, 4))
    )
    assert bead == pytest.approx([1040, 1.157, 2.2], rel=1e-3)
    assert large == pytest.approx([4000, 9.3, 12.0])
    assert mixed == pytest.approx(
        [math.sqrt(1040 * 4000), (1.157 + 9.3) / 2, (2.2 + 12) / 2], rel=1e-3
    )
    contact = "hertz 200 10 tangential mindlin 247 0.907 12.5 damping viscoelastic"
    assert _coefficients(pair, 1, 4, "granular") == contact.split()
    diameters = re.findall(r"set +type (\d) diameter (\S+)", pair.read_text())
    assert {int(kind): float(d) for kind, d in diameters} == {2: 2.55, 4: 10.2}


def test_wet_beads_are_as_deep_as_they_are_wide(nmc111):
    slurry = nmc111.force_field("published-a")["slurry"]
    assert find_wells(slurry, SIZES, liquid=True)[1].depth == pytest.approx(2.8)
    assert find_wells(slurry, SIZES, liquid=False)[1].depth == pytest.approx(1.3)


@pytest.mark.parametrize("name", NAMES)
def test_the_ramp_runs_from_slurry_to_dried(tmp_path, nmc111, name):
    field = nmc111.force_field(name)
    write_force_field(tmp_path / "slurry", field["slurry"], sizes=SIZES, liquid=True)
    write_force_field(tmp_path / "dried", field["dried"], wet=field["slurry"], sizes=SIZES)
    ramp = (tmp_path / "dried" / "ramp.lmp").read_text().splitlines()
    assert [line.split()[1] for line in ramp[-2:]] == ["bottom", "top"]
    ramp = ramp[:-2]
    for folder, gone in (("slurry", 0.0), ("dried", 1.0)):
        lines = (tmp_path / folder / "pair.lmp").read_text().splitlines()
        known = {tuple(line.split()[:4]): line.split() for line in lines}
        assert len(ramp) == 14  # two styles for six pairs, two AM diameters
        for words in (line.split() for line in ramp):
            for now, there in zip(words, known[tuple(words[:4])], strict=True):
                if now[0] in "$0123456789.":
                    assert _evaluate(now, gone) == pytest.approx(float(there), rel=1e-6)
                else:
                    assert now == there


def test_only_this_law_takes_a_type_per_size(tmp_path, nmc111):
    formulation = formulate(96, 69, SOLID_MASS, 10, Ingredients(**nmc111.ingredients()))
    count = formulation.bead_count + len(formulation.am_diameter)
    place, path = np.zeros((count, 3)), tmp_path / "packing.data"
    sizes = {}
    for many in (False, True):
        marker = write_packing(path, formulation, place, 50.0, type_per_class=many)
        text = path.read_text()
        assert f"{8 if many else 3} atom types" in text
        rows = [line.split() for line in text.split("sphere")[1].splitlines() if line]
        assert [row[1] for row in rows if int(row[0]) == marker] == ["3"]
        sizes = {kind: {row[2] for row in rows if row[1] == kind} for kind in "124567" + "8"}
        assert len(sizes["2"]) == (1 if many else 6)
    # Smallest first, one size per type.
    diameters = [float(*sizes[kind]) for kind in "245678"]
    assert diameters == sorted(diameters) == list(np.unique(formulation.am_diameter))


def _run(folder, text):
    (folder / "in.lmp").write_text(text)
    command = [*Engine().words(), "-in", "in.lmp", "-log", "none", "-nocite"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-600:]
    return [
        [float(word) for word in line.split()[1:]]
        for line in done.stdout.splitlines()
        if line.startswith("found ")
    ]


PAIR = """
units       micro
atom_style  sphere 1
atom_modify map array
newton      off
comm_modify vel yes
region      box block -20 40 -20 20 -20 20
create_box  4 box
create_atoms 1 single 0 0 0
create_atoms 4 single 6 0 0
set         type 1 diameter 1.3
set         type 4 diameter 10.2
set         atom 1 mass 5
set         atom 2 mass 2000
{pair}
"""


@pytest.mark.parametrize("name", NAMES)
def test_lammps_has_the_force_of_the_formula(tmp_path, nmc111, name):
    stage = nmc111.force_field(name)["dried"]
    write_force_field(tmp_path, stage, sizes=SIZES)
    distances = [4.6, 5.3, 5.7, 5.9, 6.4, 7.2]
    steps = "\n".join(
        f'set atom 2 x {x}\nrun 0\nprint "found {x} $(fx[2]:%.10g)"' for x in distances
    )
    rows = _run(tmp_path, PAIR.format(pair="include pair.lmp") + steps)
    wells = find_wells(stage, SIZES, liquid=False)
    well = wells[1].mix(wells[4])
    expected = [pair_force(x, well, stage["contact"], (1.3, 10.2)) for x in distances]
    assert [row[1] for row in rows] == pytest.approx(expected, rel=1e-6)
    assert min(expected) < 0 < max(expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_collision_goes_as_in_the_published_styles(tmp_path, nmc111, name):
    """`granular` with these words against `gran/hertz/history`: an oblique collision, step by step.

    The springs of a contact are turned a little differently, so agreement is not to the last digit.
    """
    stage = nmc111.force_field(name)["dried"]
    write_force_field(tmp_path, stage, sizes=SIZES)
    contact, wells = stage["contact"], find_wells(stage, SIZES, liquid=False)
    stiffness, damping = contact["normal_stiffness"], contact["normal_damping"]
    well = wells[1].mix(wells[4])
    lines = [
        f"pair_style hybrid/overlay lj/sf 13.0 gran/hertz/history {stiffness} "
        f"{stiffness * contact['tangential_ratio']} {damping} "
        f"{damping * contact['tangential_damping_ratio']} {contact['friction']} 1",
        "pair_coeff * * gran/hertz/history",
        "pair_coeff * * lj/sf 1 1 2",
        f"pair_coeff 1 4 lj/sf {well.depth!r} {well.sigma!r} {well.cutoff!r}",
    ]
    move = """
set         atom 2 x 5.7
velocity    all set 0 0 0
velocity    all set 3.0 6.0 0.0
set         atom 2 vx 0.0 vy 0.0
fix         move all nve/sphere
timestep    1.0e-4
variable    turn loop 20
label       on
run         200
print       "found $(x[1]:%.10g) $(y[1]:%.10g) $(vx[1]:%.10g) $(vy[1]:%.10g)"
next        turn
jump        SELF on
"""
    ours = _run(tmp_path, PAIR.format(pair="include pair.lmp") + move)
    theirs = _run(tmp_path, PAIR.format(pair="\n".join(lines)) + move)
    ours, theirs = np.array(ours), np.array(theirs)
    assert len(ours) == 20 and np.ptp(ours[:, 2]) > 3
    share = np.abs(ours - theirs).max(axis=0) / np.abs(theirs).max(axis=0)
    assert share.max() < 2e-3


@pytest.mark.parametrize(("name", "apart"), [("published-a", 1.124), ("published-b", 1.061)])
def test_active_material_rests_apart(nmc111, name, apart):
    """The cut-off takes the pull away: two AM particles rest well beyond touching."""
    stage = nmc111.force_field(name)["dried"]
    well = find_wells(stage, SIZES, liquid=False)[4]
    factor = stage["contact"]["active_material_diameter"]
    diameters = (10.0 * factor, 10.0 * factor)
    near, far = (
        pair_force(10.0 * share, well, stage["contact"], diameters)
        for share in (apart - 0.002, apart + 0.002)
    )
    assert near > 0 > far


@pytest.mark.parametrize("name", NAMES)
def test_stiffness_is_the_slope_of_the_force(nmc111, name):
    contact = nmc111.force_field(name)["dried"]["contact"]
    well, diameters, force = Well(1600.0, 1.78, 3.4), (2.0, 2.0), 300.0
    found = find_stiffness(force, well, contact, diameters)
    distance = next(
        r for r in np.arange(1.4, 2.0, 1e-5) if pair_force(r, well, contact, diameters) <= force
    )
    slope = (
        pair_force(distance - 1e-4, well, contact, diameters)
        - pair_force(distance + 1e-4, well, contact, diameters)
    ) / 2e-4
    assert found.normal == pytest.approx(slope, rel=1e-3)
    width = math.sqrt(0.5 * (2.0 - distance))
    assert found.rate == pytest.approx(contact["normal_damping"] * width, rel=1e-3)


def test_the_step_goes_by_well_and_mass(nmc111):
    stage = nmc111.force_field("published-a")["dried"]
    size, mass = {"cbd": 2.0, "am": 2.5}, {"cbd": 40.0, "am": 38.0}
    calm = {"normal_damping": 1e-9}
    undamped = stage | {"contact": stage["contact"] | calm, "wall": stage["wall"] | {"damping": 0}}
    step = critical_time_step(undamped, size, mass, 80)
    heavier = critical_time_step(undamped, size, {key: 4 * m for key, m in mass.items()}, 80)
    assert heavier == pytest.approx(2 * step)
    assert critical_time_step(undamped, size, mass, 20000) < step
    overdamped = stage | {"contact": stage["contact"] | {"normal_damping": 3000.0}}
    assert critical_time_step(overdamped, size, mass, 80) < step / 2


def test_sizes_are_needed(tmp_path, nmc111, capsys):
    with pytest.raises(InputError, match=r"--record slurry\.nc"):
        write_force_field(tmp_path, nmc111.force_field("published-a")["dried"])
    material = str(DECKS.parents[1] / "config" / "materials" / "nmc111.yaml")
    assert main(["forcefield", material, "-o", str(tmp_path / "ff"), "--name", "published-a"]) != 0
    assert "--record slurry.nc" in capsys.readouterr().err
    assert not (tmp_path / "ff").exists()


@pytest.fixture(scope="module")
def thin(tmp_path_factory, nmc111):
    """A thin film by set A, slurry to pressed to 5 %: folder, arguments of every stage, sizes."""
    folder = tmp_path_factory.mktemp("thin")
    common = {
        "force_field": nmc111.force_field("published-a"),
        "decks": DECKS,
        "engine": Engine(),
        "log": folder / "log",
    }
    recipe = {"active_material": 96.0, "solid_content": 69.0, "solid_loading": 3.0}
    recipe["solid_mass"] = SOLID_MASS * recipe["solid_loading"] / 10
    made = {
        name: {key: folder / f"{name}.{end}" for key, end in ENDS.items()}
        for name in ("slurry", "dried")
    }
    ingredients = nmc111.ingredients()
    # The film of seed 1 creeps for as long as 40 tests after its release, and then rests or not.
    make_slurry(
        **made["slurry"], **recipe, ingredients=ingredients, protocol=SLURRY, seed=2, **common
    )
    assert read_status(made["slurry"]["record"]) == ("ok", "")
    before = {f"slurry_{key}": made["slurry"][key] for key in ("state", "record")}
    dry_film(**before, **made["dried"], protocol=DRYING, **common)
    assert read_status(made["dried"]["record"]) == ("ok", "")
    _press(folder, folder, 5.0, common)
    return folder, common, formulate(**recipe, ingredients=Ingredients(**ingredients))


ENDS = {"state": "restart", "record": "nc", "data": "data.gz"}


def _press(folder, source, upper, common):
    press_film(
        dried_state=source / "dried.restart",
        dried_record=source / "dried.nc",
        grid=[folder / f"grid{point:02d}.restart" for point in grid_points(upper)],
        record=folder / "press.nc",
        frames=None,
        upper_compression=upper,
        protocol=PRESSING,
        **common,
    )
    assert read_status(folder / "press.nc") == ("ok", "")


@pytest.mark.slow
def test_a_film_keeps_its_particles(thin):
    """True diameters and masses come out, whatever diameters the contacts had on the way."""
    folder, _, formulation = thin
    for name, bead in (
        ("slurry", formulation.bead_diameter_liquid),
        ("dried", formulation.bead_diameter),
    ):
        film = read_state(folder / f"{name}.data.gz")
        beads, am = film.diameter[film.phase == CBD], film.diameter[film.phase == AM]
        assert len(beads) == formulation.bead_count
        assert beads == pytest.approx(bead, rel=1e-6)
        assert np.sort(am)[::-1] == pytest.approx(formulation.am_diameter, rel=1e-6)
        mass = film.density * math.pi / 6 * film.diameter**3
        assert mass[film.phase == AM].sum() == pytest.approx(formulation.am_mass, rel=1e-6)
    results = read_results(folder / "slurry.nc")
    assert results["density_slurry"] == pytest.approx(results["density_slurry_additive"], rel=0.1)


@pytest.mark.slow
def test_pressing_on_from_a_restart_is_pressing_without_one(thin, tmp_path):
    """Contacts and types of all sizes are in the restart: the way on from it is the same."""
    folder, common, _ = thin
    films = []
    for name, point, rate in (("from1", 1, 5.25 - 1e-9), ("from2", 2, 5.25)):
        calender_film(
            pressed_state=folder / f"grid{point:02d}.restart",
            pressed_record=folder / "press.nc",
            record=tmp_path / f"{name}.nc",
            data=tmp_path / f"{name}.data.gz",
            compression_rate=rate,
            protocol=PRESSING,
            **common,
        )
        assert read_status(tmp_path / f"{name}.nc") == ("ok", "")
        films.append(read_results(tmp_path / f"{name}.nc"))
    for key, within in (("thickness_lowest", 1e-6), ("pressure_collector", 1e-3)):
        assert films[0][key] == pytest.approx(films[1][key], rel=within)


@pytest.mark.slow
def test_force_field_files_for_a_film_by_hand(thin, tmp_path):
    folder, common, _ = thin
    material = str(DECKS.parents[1] / "config" / "materials" / "nmc111.yaml")
    words = ["-o", str(tmp_path), "--name", "published-a", "--record", str(folder / "slurry.nc")]
    assert main(["forcefield", material, *words]) == 0
    sizes = sizes_of(read_results(folder / "slurry.nc"))
    field = common["force_field"]
    write_force_field(tmp_path / "own", field["dried"], wet=field["slurry"], sizes=sizes)
    for name in ("pair.lmp", "ramp.lmp"):
        assert (tmp_path / "dried" / name).read_text() == (tmp_path / "own" / name).read_text()
