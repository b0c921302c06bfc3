"""The heterogeneous drying model: where the solvent leaves, and what its flow does to the beads."""

import numpy as np
import pytest

from coatline.manufacture.engine import Engine, run_segment
from coatline.manufacture.forcefield import write_force_field
from coatline.manufacture.record import read_results, read_status
from coatline.manufacture.stages import dry_film
from coatline.manufacture.state import AM, CBD, read_state
from tests.conftest import DECKS, DRYING

HETEROGENEOUS = DRYING | {"model": "heterogeneous", "rate_ratio": 100.0, "viscosity": 50.0}
EVERY, STEPS = 200, 4000


def dry(line, folder, **protocol):
    """Dry the line's slurry in a folder of its own; results and particles."""
    line.slurry()
    dry_film(
        slurry_state=line.folder / "slurry.restart",
        slurry_record=line.folder / "slurry.nc",
        state=folder / "dried.restart",
        record=folder / "dried.nc",
        data=folder / "dried.data.gz",
        force_field=line.material.force_field("default"),
        protocol=protocol,
        decks=DECKS,
        engine=Engine(),
        log=folder / "log",
    )
    assert read_status(folder / "dried.nc") == ("ok", "")
    return read_results(folder / "dried.nc")


def watch_beads(line, folder, also="", **variables):
    """Run the evaporation part of the deck alone, quickly, and watch the beads.

    `also` are further lines of the deck, before the first step.

    Returns:
        diameter and height of the beads over that of the plane, each (frames, beads) by id; the
        wet and the dried diameter.
    """
    line.slurry()
    results = read_results(line.folder / "slurry.nc")
    deck = (DECKS / "dry.lmp").read_text()
    hold, ramp = "# 2. Hold", "variable    part equal ${parts}"
    assert hold in deck and ramp in deck
    deck = deck[: deck.index(hold)] + 'print "coatline: done"\n'
    deck = deck.replace(
        ramp,
        "variable part_of_height atom z/v_height\n"
        f"dump beads cbd custom {EVERY} beads.dump id diameter v_part_of_height\n"
        f"{also}"
        "dump_modify beads sort id format float %.17g\n" + ramp,
    )
    folder.mkdir()
    for file in DECKS.glob("*.lmp"):
        (folder / file.name).write_text(file.read_text())
    (folder / "dry.lmp").write_text(deck)
    field = line.material.force_field("default")
    write_force_field(folder / "forcefield", field["dried"], wet=field["slurry"])
    wet, dried = results["bead_diameter_liquid"], results["bead_diameter"]
    run_segment(
        Engine(),
        folder / "dry.lmp",
        folder,
        folder / "log",
        {
            "forcefield": folder / "forcefield",
            "from": line.folder / "slurry.restart",
            "marker": int(results["marker"]),
            "wet": wet,
            "dried": dried,
            "heavy": results["am_diameter_mean"],
            "dt": 0.002,
            "duration": 0.002 * STEPS,
            "ramp_dt": [0.002] * 20,
            **variables,
        },
    )
    frames = (folder / "beads.dump").read_text().split("ITEM: ATOMS id diameter v_part_of_height\n")
    table = [[row.split() for row in f.split("ITEM:")[0].splitlines()] for f in frames[1:]]
    beads = np.array(table, dtype=float)
    assert beads.shape[0] == STEPS // EVERY + 1
    return beads[:, :, 1], beads[:, :, 2], wet, dried


@pytest.mark.slow
def test_equal_rates_dry_as_the_homogeneous_model(rich, tmp_path):
    same, places, wet, dried = watch_beads(rich, tmp_path / "homogeneous")
    equal, others, _, _ = watch_beads(
        rich, tmp_path / "equal", model="heterogeneous", rate_ratio=1.0, viscosity=50.0
    )
    assert equal == pytest.approx(same, rel=1e-9)
    assert equal[0] == pytest.approx(wet) and np.all(equal[-1] == pytest.approx(dried))
    # The same forces but for the one step by which beads shrink later: the same film at first.
    assert others[1] == pytest.approx(places[1], abs=1e-3)


@pytest.mark.slow
def test_upper_beads_shrink_first_and_no_solvent_is_made_or_lost(rich, tmp_path):
    diameter, place, wet, dried = watch_beads(
        rich, tmp_path / "upper", model="heterogeneous", rate_ratio=100.0, viscosity=50.0
    )
    content = (diameter**3 - dried**3) / (wet**3 - dried**3)
    time = np.linspace(0, 1, len(content))
    assert content.mean(axis=1)[:-1] == pytest.approx((1 - time[:-1]) ** 2, abs=0.002)
    assert np.all(np.diff(diameter, axis=0) <= 1e-12)
    half = len(content) // 2
    upper, lower = place[half] > 2 / 3, place[half] < 1 / 3
    assert content[half][upper].max() < content[half][lower].min()
    # The first look: each bead loses in proportion to what it has and to exp(ln 100 (z/h - 1)), the
    # places hardly changed.
    lost, rate = -np.log(content[1]), 100 ** (place[:2].mean(axis=0) - 1)
    assert lost / lost.mean() == pytest.approx(rate / rate.mean(), rel=0.1)


@pytest.mark.slow
def test_the_flow_goes_with_what_evaporates_at_that_time(rich, tmp_path):
    watch_beads(
        rich,
        tmp_path / "flow",
        also="compute fastest cbd reduce max v_flow\n"
        f'fix flow all print {EVERY} "$(step) $(c_fastest)" file flow.txt screen no\n',
        model="heterogeneous",
        rate_ratio=100.0,
        viscosity=50.0,
    )
    step, flow = np.loadtxt(tmp_path / "flow" / "flow.txt", unpack=True)
    # The fastest bead is where z/h - (R^(z/h) - 1)/(R - 1) is highest, at .66, whatever the height
    # h of the film; what evaporates falls in proportion to the time that is left.
    some = (step > 0) & (step < STEPS)
    left = 1 - step[some] / STEPS
    assert len(set(step[some])) == STEPS // EVERY - 1
    assert flow[some] / flow[some][0] == pytest.approx(left / left[0], rel=0.05)


@pytest.mark.slow
def test_an_unknown_drying_model_is_refused(rich, tmp_path):
    with pytest.raises(ValueError, match="'fast' is unknown; known: homogeneous, heterogeneous"):
        dry(rich, tmp_path, **DRYING | {"model": "fast"})


def rise(film, thickness):
    """Mean height of the binder above that of the active material's mass, over the thickness."""
    height, weight = film.position[:, 2] / thickness, film.diameter**3
    cbd, am = film.phase == CBD, film.phase == AM
    return height[cbd].mean() - np.average(height[am], weights=weight[am])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_the_flow_of_solvent_carries_binder_up(make_line, tmp_path, seed):
    line = make_line(96, 69, seed)
    dried = read_results(line.dried())
    homogeneous = line.particles("dried")
    results = dry(line, tmp_path, **HETEROGENEOUS)
    film = read_state(tmp_path / "dried.data.gz")
    # The same slurry dried twice: what its own places would give drops out. Rounding alone moves
    # the binder of a film this small by .005.
    before = rise(homogeneous, dried["thickness"])
    assert rise(film, results["thickness"]) > before + 0.02
    beads = film.diameter[film.phase == CBD]
    assert beads == pytest.approx(results["bead_diameter"], rel=1e-12)
    mass, same = (each.density * each.diameter**3 for each in (film, homogeneous))
    assert np.array_equal(film.phase, homogeneous.phase)
    assert mass == pytest.approx(same, rel=1e-9)
