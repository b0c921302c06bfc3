"""The four stages of the line, each one deck: slurry, drying, pressing, calendering.

A stage reads the record and the restart of the one before and leaves its own. A physical failure is
tried again with half the time step and then becomes a failed record, which the stages after pass
on; whatever else goes wrong is raised, leaves whole segments behind at most, and is for the
workflow to repeat.
"""

import math
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from coatline.design.grid import APPROACH, GRID, grid_points, start_point
from coatline.manufacture.engine import Engine, PhysicalFailure, read_version
from coatline.manufacture.forcefield import (
    bead_in_contact,
    critical_time_step,
    needs_sizes,
    soften,
    write_force_field,
)
from coatline.manufacture.lennardjones import Sizes
from coatline.manufacture.packing import place_particles, write_packing
from coatline.manufacture.recipe import Formulation, Ingredients, formulate
from coatline.manufacture.record import (
    read_results,
    read_series,
    read_status,
    write_record,
)
from coatline.manufacture.segments import Keeping, make_key, open_chain, run_segments
from coatline.manufacture.state import (
    read_state,
    restore_active_material,
    set_beads,
    write_state,
)

HEADROOM = 1.05
"""The slurry starts in this multiple of its additive volume, so that its density is a result."""
PARTS = 20
"""Parts of the ramp from slurry to dried force field."""
YIELD_INTERVAL = 100
"""Steps between two looks at which particles yield; every run of a pressing deck is a multiple."""
DRYING_MODELS = {"homogeneous": (), "heterogeneous": ("rate_ratio", "viscosity")}
"""Models of drying, and the parameters that each takes beside those of all."""
SLOWER = 5
"""How much slower than before the plane goes the last part of its way."""
UNREACHED = 1e30
"""kPa, where nothing is to yield."""
TOUCH = 10.0
"""kPa that define the thickness."""
SLURRY_BLOCK, BLOCK, REST_BLOCK = 5.0, 6.0, 1.5
"""µs between two convergence tests of a slurry, of a film under load and of a released one."""
REST_DRAG = 0.5
"""µs in which drag slows the particles of a released film."""
LIGHT = 1000.0
"""kPa that the longer time step bears, of light loads and released films."""
LIGHT_AT_FIRST = 250.0
"""kPa on the plane below which a part of its way, down or up, counts as light."""


@contextmanager
def _work_folder(
    beside: Path,
    stage: str,
    keeping: Keeping | None,
    engine: Engine,
    decks: Path,
    files: Iterable[Path],
    values: object,
) -> Iterator[Path]:
    """A folder on the file system of the outputs, with the segments that an earlier job made.

    Without `keeping` it is gone afterwards, and its segments with it.
    """
    if keeping is not None:
        key = make_key(engine, decks, files, values, keeping.code)
        with open_chain(keeping.folder.resolve(), key, keeping.token) as folder:
            yield folder
        return
    folder = beside.parent.resolve() / f".work-{stage}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _with_smaller_steps(
    run: Callable[[float, Path], dict[str, float]], folder: Path, step: float, retries: int
) -> tuple[dict[str, float], Path]:
    """Run a deck; after a physical failure again with half the step, each time in a new folder."""
    for attempt in range(retries + 1):
        here = folder / f"attempt{attempt}"
        here.mkdir(exist_ok=True)
        try:
            results = run(step / 2**attempt, here)
        except PhysicalFailure:
            if attempt == retries:
                raise
            continue
        return results | {"time_step": step / 2**attempt, "attempts": attempt + 1}, here
    raise AssertionError("unreachable")


def _fail(
    record: Path,
    files: list[Path],
    cause: str,
    facts: Mapping[str, float] | None = None,
    folder: Path | None = None,
) -> None:
    """Leave a failed record, with the last attempt's time series, and empty files."""
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"")
    record.parent.mkdir(parents=True, exist_ok=True)
    series = _last_attempt(folder) / "series.txt" if folder else None
    write_record(record, facts or {}, series, cause=cause)


def _last_attempt(folder: Path) -> Path:
    """Where the last of several attempts ran."""
    return max(folder.glob("attempt*"), key=lambda path: int(path.name.removeprefix("attempt")))


def _passed_on(before: Path, record: Path, files: list[Path]) -> bool:
    """Whether the stage before failed; if so its cause is passed on."""
    status, cause = read_status(before)
    if status == "ok":
        return False
    _fail(record, files, cause)
    return True


def _steps(duration: float, step: float, multiple: int = 1) -> int:
    """Steps that a duration takes, rounded up to a multiple."""
    return multiple * max(1, math.ceil(duration / (step * multiple) - 1e-9))


def _publish(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _publish_state(
    source: Path, target: Path, title: str, facts: Mapping[str, float], liquid: bool = False
) -> None:
    """A LAMMPS data file as people read it: whole AM particles, no plane's marker, compressed.

    Args:
        source: as LAMMPS wrote it, with diameters in contact.
        target: file to write.
        title: its first line.
        facts: results of the stage.
        liquid: whether beads hold their solvent: they may touch at a diameter not their own then,
            and AM particles still have their own mass.
    """
    particles = read_state(source)
    heavy = 0.0 if liquid else facts["am_diameter_mean"]
    particles = restore_active_material(particles, facts["am_density"], heavy)
    if liquid:
        particles = set_beads(particles, facts["bead_diameter_liquid"])
    top = float(np.max(particles.position[:, 2] + particles.diameter / 2))
    packed = source.with_suffix(".gz")
    write_state(packed, particles, math.ceil(top + 1), title)
    _publish(packed, target)


def _smallest(results: Mapping[str, float], diameter: str) -> tuple[dict, dict]:
    """Diameter and mass of the smallest particle of each phase, for the time step.

    From drying on AM particles are heavier than they are, in inverse proportion to the square of
    their diameter (`dry.lmp`); the smallest is then that of the shortest step, as all have one.
    """
    am_mass = results["am_mass_smallest"]
    if diameter == "bead_diameter":
        am_mass *= (results["am_diameter_mean"] / results["am_diameter_smallest"]) ** 2
    return (
        {"cbd": results[diameter], "am": results["am_diameter_smallest"]},
        {"cbd": results["bead_mass_liquid"], "am": am_mass},
    )


def sizes_of(results: Mapping) -> Sizes:
    """What the coefficients of a force field may depend on."""
    return Sizes(
        bead=results["bead_diameter"],
        bead_liquid=results["bead_diameter_liquid"],
        active_material=tuple(float(diameter) for diameter in results["am_diameter"]),
    )


def _describe(formulation: Formulation, marker: int) -> dict[str, float | np.ndarray]:
    """What the later stages need to know of the recipe."""
    smallest = float(formulation.am_diameter.min())
    return {
        "area": formulation.area,
        "side": formulation.side,
        "solid_mass": formulation.solid_mass,
        "solid_volume": formulation.solid_volume,
        "cbd_mass": formulation.cbd_mass,
        "cbd_solid_volume": formulation.cbd_solid_volume,
        "solvent_mass": formulation.solvent_mass,
        "nanoporosity": formulation.nanoporosity,
        "marker": marker,
        "am_density": formulation.am_density,
        "am_diameter_mean": formulation.am_mean_diameter,
        "am_diameter": np.unique(formulation.am_diameter),
        "am_diameter_smallest": smallest,
        "am_mass_smallest": formulation.am_density * math.pi / 6 * smallest**3,
        "bead_diameter": formulation.bead_diameter,
        "bead_diameter_liquid": formulation.bead_diameter_liquid,
        "bead_mass_liquid": (formulation.cbd_mass + formulation.solvent_mass)
        / formulation.bead_count,
        "density_slurry_additive": formulation.slurry_density,
    }


def make_slurry(
    *,
    state: Path,
    record: Path,
    data: Path,
    active_material: float,
    solid_content: float,
    solid_mass: float,
    solid_loading: float,
    ingredients: Mapping,
    force_field: Mapping,
    protocol: Mapping,
    seed: int,
    decks: Path,
    engine: Engine,
    log: Path,
    keeping: Keeping | None = None,
) -> None:
    """Mix a slurry: place the particles and let them come to rest under a plane.

    Args:
        state: LAMMPS restart to write.
        record: netCDF record to write.
        data: compressed LAMMPS data file to write.
        active_material: AM mass / solid mass, %.
        solid_content: solid mass / slurry mass, %.
        solid_mass: µg.
        solid_loading: mg/cm².
        ingredients: keys of `recipe.Ingredients`.
        force_field: contacts of the stages `slurry` and `dried`.
        protocol: `pressure` (kPa), `safety_factor`, `retries`.
        seed: of the places.
        decks: folder of the LAMMPS decks; absolute, as LAMMPS runs elsewhere.
        engine: how to start LAMMPS.
        log: receives LAMMPS's output.
        keeping: where segments of a long run outlive the job; None keeps none.

    Raises:
        EngineError: LAMMPS stopped for a reason other than physics.
    """
    formulation = formulate(
        active_material, solid_content, solid_mass, solid_loading, Ingredients(**ingredients)
    )
    height = HEADROOM * formulation.slurry_volume / formulation.area
    try:
        position = place_particles(formulation, height, np.random.default_rng(seed))
    except PhysicalFailure as failure:
        _fail(record, [state, data], f"slurry: {failure}")
        return
    values = [active_material, solid_content, solid_mass, solid_loading, ingredients, seed]
    values += [force_field, protocol]
    with _work_folder(state, "slurry", keeping, engine, decks, [], values) as folder:
        marker = write_packing(
            folder / "packing.data",
            formulation,
            position,
            height,
            type_per_class=needs_sizes(force_field["slurry"]),
        )
        facts = _describe(formulation, marker) | {
            "active_material": active_material,
            "solid_content": solid_content,
        }
        write_force_field(
            folder / "forcefield", force_field["slurry"], sizes=sizes_of(facts), liquid=True
        )
        diameter, mass = _smallest(facts, "bead_diameter_liquid")
        longest = critical_time_step(
            force_field["slurry"], diameter, mass, protocol["pressure"], facts["bead_diameter"]
        )

        def run(step: float, here: Path) -> dict[str, float]:
            return run_segments(
                engine,
                decks / "slurry.lmp",
                here,
                log,
                {
                    "forcefield": folder / "forcefield",
                    "packing": folder / "packing.data",
                    "marker": marker,
                    "pressure": protocol["pressure"],
                    "dt": step,
                    "block": _steps(SLURRY_BLOCK, step),
                },
                keeping,
            )

        try:
            results, here = _with_smaller_steps(
                run, folder, protocol["safety_factor"] * longest, protocol["retries"]
            )
        except PhysicalFailure as failure:
            _fail(record, [state, data], str(failure), facts, folder)
            return
        mass_all = formulation.solid_mass + formulation.solvent_mass
        facts |= {
            "thickness": results["height"],
            "density_slurry": mass_all / (formulation.area * results["height"]),
            "time_step": results["time_step"],
            "attempts": results["attempts"],
        }
        _write_record(record, facts, here / "series.txt", log, mass_all)
        _publish_state(here / "slurry.data", data, "coatline slurry", facts, liquid=True)
        _publish(here / "slurry.restart", state)


def _write_record(
    record: Path, facts: Mapping[str, float], series: Path, log: Path, mass: float | None = None
) -> None:
    write_record(
        record,
        facts,
        series,
        mass=facts["solid_mass"] if mass is None else mass,
        attributes={"lammps_version": read_version(log)},
    )


def dry_film(
    *,
    slurry_state: Path,
    slurry_record: Path,
    state: Path,
    record: Path,
    data: Path,
    force_field: Mapping,
    protocol: Mapping,
    decks: Path,
    engine: Engine,
    log: Path,
    keeping: Keeping | None = None,
) -> None:
    """Dry a slurry film: beads shrink, the film stiffens, rests, is let free and measured.

    Args:
        slurry_state: restart of the slurry.
        slurry_record: its record.
        state, record, data: restart, record and data file to write.
        force_field: contacts of the stages `slurry` and `dried`.
        protocol: `model`, `pressure` (kPa), `duration` (µs), `safety_factor`, `retries`; with
            model `heterogeneous` also `rate_ratio` (evaporation at the surface / at the collector)
            and `viscosity` of the flowing liquid (mPa·s).
        decks, engine, log, keeping: as for the slurry.

    Raises:
        EngineError: LAMMPS stopped for a reason other than physics.
        ValueError: the drying model is unknown.
    """
    if protocol["model"] not in DRYING_MODELS:
        known = ", ".join(DRYING_MODELS)
        raise ValueError(f"drying model {protocol['model']!r} is unknown; known: {known}")
    if _passed_on(slurry_record, record, [state, data]):
        return
    facts = read_results(slurry_record)
    sources, values = [slurry_state, slurry_record], [force_field, protocol]
    with _work_folder(state, "dry", keeping, engine, decks, sources, values) as folder:
        write_force_field(
            folder / "forcefield",
            force_field["dried"],
            wet=force_field["slurry"],
            sizes=sizes_of(facts),
        )
        steps = _drying_steps(force_field, facts, protocol)
        longest = steps[-1]

        def run(step: float, here: Path) -> dict[str, float]:
            return run_segments(
                engine,
                decks / "dry.lmp",
                here,
                log,
                {
                    "forcefield": folder / "forcefield",
                    "from": slurry_state.resolve(),
                    "marker": int(facts["marker"]),
                    "pressure": protocol["pressure"],
                    "wet": bead_in_contact(force_field["slurry"], sizes_of(facts)),
                    "dried": facts["bead_diameter"],
                    "am_density": facts["am_density"],
                    "heavy": facts["am_diameter_mean"],
                    "dt": step,
                    "duration": protocol["duration"],
                    "ramp_dt": [part / longest * step for part in steps[:-1]],
                    "block": _steps(BLOCK, step),
                    "dt_light": step,
                    "rest_block": _steps(REST_BLOCK, step),
                    "rest_drag": REST_DRAG,
                    "touch": TOUCH,
                    "model": protocol["model"],
                    **{key: protocol[key] for key in DRYING_MODELS[protocol["model"]]},
                },
                keeping,
            )

        try:
            results, here = _with_smaller_steps(
                run, folder, protocol["safety_factor"] * longest, protocol["retries"]
            )
        except PhysicalFailure as failure:
            _fail(record, [state, data], str(failure), facts, folder)
            return
        facts |= {
            "thickness": results["thickness"],
            "time_step": results["time_step"],
            "attempts": results["attempts"],
        }
        _write_record(record, facts, here / "series.txt", log)
        _publish_state(here / "dried.data", data, "coatline dried film", facts)
        _publish(here / "dried.restart", state)


def _drying_steps(
    force_field: Mapping, facts: Mapping[str, float], protocol: Mapping
) -> list[float]:
    """Critical time step of each part of drying and of the dried film, µs.

    A film that is still soft bears a longer one; solvent that flows past a bead has to change the
    bead's speed by no more than the whole difference in a step.
    """
    wet, dried = force_field["slurry"], force_field["dried"]
    viscosity = protocol["viscosity"] if "viscosity" in DRYING_MODELS[protocol["model"]] else 0.0
    diameter, mass = _smallest(facts, "bead_diameter")
    solid, liquid = (facts[key] ** 3 for key in ("bead_diameter", "bead_diameter_liquid"))

    def longest(stage: dict, gone: float) -> float:
        bead = (liquid - gone * (liquid - solid)) ** (1 / 3)
        step = critical_time_step(
            stage, diameter | {"cbd": bead}, mass, protocol["pressure"], facts["bead_diameter"]
        )
        drag = 3 * math.pi * viscosity * bead
        return min(step, mass["cbd"] / drag) if drag else step

    if needs_sizes(dried):
        return [min(longest(wet, 0), longest(dried, 1))] * (PARTS + 1)
    shares = [1 - (1 - part / PARTS) ** 2 for part in range(PARTS + 1)]
    steps = []
    for before, gone in pairwise(shares):
        stage = soften(wet, dried, gone)
        steps.append(min(longest(wet, 0), longest(stage, before), longest(stage, gone)))
    return [*steps, longest(dried, 1)]


def _longest_step(force_field: Mapping, facts: Mapping[str, float], pressure: float) -> float:
    """Critical time step of a dried film under a pressure in kPa, µs."""
    return critical_time_step(force_field["dried"], *_smallest(facts, "bead_diameter"), pressure)


def _yielding(force_field: Mapping, facts: Mapping[str, float]) -> dict[str, object]:
    """Variables of `yield.lmp`; without yielding, stresses that nothing reaches."""
    if force_field["yielding"] is None:
        cbd = {"yield_stress": UNREACHED, "hardening": 0.0}
        am = cbd | {"largest_flattening": 0.0}
        force_field = {"yielding": {"carbon_binder": cbd, "active_material": am, "rate": 0.01}}
    cbd, am = force_field["yielding"]["carbon_binder"], force_field["yielding"]["active_material"]
    return {
        "yield_every": YIELD_INTERVAL,
        "yield_rate": float(force_field["yielding"]["rate"]),
        "yield_cbd": float(cbd["yield_stress"]),
        "hardening_cbd": float(cbd["hardening"]),
        "bead": facts["bead_diameter"],
        "solid": facts["bead_diameter"] * (1 - facts["nanoporosity"]) ** (1 / 3),
        "yield_am": float(am["yield_stress"]),
        "hardening_am": float(am["hardening"]),
        "flat_am": float(am["largest_flattening"]),
        "am_density": facts["am_density"],
        "heavy": facts["am_diameter_mean"],
    }


def press_film(
    *,
    dried_state: Path,
    dried_record: Path,
    grid: list[Path],
    record: Path,
    frames: Path | None,
    upper_compression: float,
    force_field: Mapping,
    protocol: Mapping,
    decks: Path,
    engine: Engine,
    log: Path,
    keeping: Keeping | None = None,
) -> None:
    """Press a dried film at constant speed to the upper compression, a restart at each 2.5 %.

    Args:
        dried_state: restart of the dried film.
        dried_record: its record.
        grid: restarts to write, one per point of `design.grid.grid_points(upper_compression)`.
        record: record to write: the calendering curve.
        frames: compressed dump with a frame at each `frame_spacing`, or None.
        upper_compression: the design's upper compression, %.
        force_field: contacts of the stage `dried`, and `yielding`.
        protocol: `speed` (µm/µs), `reference_pressure` (kPa), `frame_spacing` (% or None),
            `safety_factor`, `retries`.
        decks, engine, log, keeping: as for the slurry.

    Raises:
        EngineError: LAMMPS stopped for a reason other than physics.
        ValueError: the number of restarts does not match the upper compression.
    """
    points = grid_points(upper_compression)
    if len(grid) != len(points):
        raise ValueError(f"{upper_compression} % needs {len(points)} restarts, got {len(grid)}")
    outputs = [*grid, *([frames] if frames else [])]
    if _passed_on(dried_record, record, outputs):
        return
    facts = read_results(dried_record)
    thickness = facts["thickness"]
    sources = [dried_state, dried_record]
    values = [upper_compression, force_field, protocol, frames is not None]
    with _work_folder(grid[0], "press", keeping, engine, decks, sources, values) as folder:
        write_force_field(folder / "forcefield", force_field["dried"], sizes=sizes_of(facts))
        longest = _longest_step(force_field, facts, protocol["reference_pressure"])
        gain = _longest_step(force_field, facts, LIGHT) / longest
        way = GRID / 100 * thickness  # between two restarts, µm
        speed = 0.0

        def run(step: float, here: Path) -> dict[str, float]:
            nonlocal speed
            grid_steps = _steps(way / protocol["speed"], step, YIELD_INTERVAL)
            speed = way / (grid_steps * step)
            rest = (upper_compression - GRID * points[-1]) / 100 * thickness
            spacing = protocol["frame_spacing"] if frames else None
            frame_steps = _steps(spacing / 100 * thickness / speed, step) if spacing else 0
            light_steps = _steps(way / speed, gain * step, YIELD_INTERVAL)
            return run_segments(
                engine,
                decks / "press.lmp",
                here,
                log,
                {
                    "forcefield": folder / "forcefield",
                    "from": dried_state.resolve(),
                    "marker": int(facts["marker"]),
                    "press_speed": speed,
                    "grid_steps": grid_steps,
                    "grid_points": points[-1],
                    "last_steps": _steps(rest / speed, step, YIELD_INTERVAL) if rest > 1e-9 else 0,
                    "frame_steps": frame_steps,
                    "dt": step,
                    "dt_light": way / speed / light_steps,
                    "grid_steps_light": light_steps,
                    "light": 0.0 if frame_steps else LIGHT_AT_FIRST,  # frames count steps
                    **_yielding(force_field, facts),
                },
                keeping,
            )

        try:
            results, here = _with_smaller_steps(
                run, folder, protocol["safety_factor"] * longest, protocol["retries"]
            )
        except PhysicalFailure as failure:
            # The states reached before are sound: samples that start from them can be made.
            retries = protocol["retries"]
            facts["time_step"] = protocol["safety_factor"] * longest / 2**retries
            facts |= {"thickness_dried": thickness, "press_speed": speed, "attempts": retries + 1}
            del facts["thickness"]
            _fail(record, outputs, str(failure), facts, folder)
            for point, target in zip(points, grid, strict=True):
                reached = _last_attempt(folder) / f"grid.{point}.restart"
                if reached.exists() and (reached.parent / f"grid.{point + 1}.restart").exists():
                    _publish(reached, target)
            return
        facts |= {
            "thickness_dried": thickness,
            "press_speed": speed,
            "time_step": results["time_step"],
            "attempts": results["attempts"],
            "pressure_peak": float(read_series(here / "series.txt")["pressure_top"].max()),
        }
        del facts["thickness"]
        _write_record(record, facts, here / "series.txt", log)
        if frames:
            _publish(here / "frames.dump.gz", frames)
        for point, target in zip(points, grid, strict=True):
            _publish(here / f"grid.{point}.restart", target)


def calender_film(
    *,
    pressed_state: Path,
    pressed_record: Path,
    record: Path,
    data: Path,
    compression_rate: float,
    force_field: Mapping,
    protocol: Mapping,
    decks: Path,
    engine: Engine,
    log: Path,
    keeping: Keeping | None = None,
) -> None:
    """Calender a film: from the grid state below on to one compression, release, rest, thickness.

    Args:
        pressed_state: restart of the grid point that `start_point` names.
        pressed_record: record of the pressing.
        record, data: record and data file to write.
        compression_rate: %, at the lowest plane height.
        force_field, protocol: as for pressing.
        decks, engine, log, keeping: as for the slurry.

    Raises:
        EngineError: LAMMPS stopped for a reason other than physics.
    """
    # A film that failed at a higher compression is sound below: its states are there.
    if pressed_state.stat().st_size == 0 and _passed_on(pressed_record, record, [data]):
        return
    facts = read_results(pressed_record)
    thickness, speed, step0 = facts["thickness_dried"], facts["press_speed"], facts["time_step"]
    slowly = min(APPROACH, compression_rate) / 100 * thickness
    way = (compression_rate - GRID * start_point(compression_rate)) / 100 * thickness - slowly
    gain = _longest_step(force_field, facts, LIGHT) / _longest_step(
        force_field, facts, protocol["reference_pressure"]
    )
    sources, values = [pressed_state, pressed_record], [compression_rate, force_field, protocol]
    with _work_folder(data, "calender", keeping, engine, decks, sources, values) as folder:
        write_force_field(folder / "forcefield", force_field["dried"], sizes=sizes_of(facts))

        def run(step: float, here: Path) -> dict[str, float]:
            press_steps = _steps(way / speed, step, YIELD_INTERVAL) if way > 1e-9 else 0
            slow_steps = _steps(SLOWER * slowly / speed, step, YIELD_INTERVAL) if slowly else 0
            return run_segments(
                engine,
                decks / "calender.lmp",
                here,
                log,
                {
                    "forcefield": folder / "forcefield",
                    "from": pressed_state.resolve(),
                    "marker": int(facts["marker"]),
                    "press_steps": press_steps,
                    "press_speed": way / (press_steps * step) if press_steps else 0.0,
                    "slow_steps": slow_steps,
                    "slow_speed": slowly / (slow_steps * step) if slow_steps else 0.0,
                    "lift_speed": speed,
                    "dt": step,
                    "dt_light": gain * step,
                    "light": LIGHT_AT_FIRST,
                    "rest_block": _steps(REST_BLOCK, gain * step),
                    "rest_drag": REST_DRAG,
                    "touch": TOUCH,
                    **_yielding(force_field, facts),
                },
                keeping,
            )

        try:
            results, here = _with_smaller_steps(run, folder, step0, protocol["retries"])
        except PhysicalFailure as failure:
            _fail(record, [data], str(failure), facts, folder)
            return
        lowest, after = results["lowest"], results["thickness"]
        way_down = round(thickness - lowest, 6)
        peak = float(read_series(here / "series.txt")["pressure_top"].max())
        facts |= {
            "compression_rate": 100 * (1 - lowest / thickness),
            "thickness_lowest": lowest,
            "thickness": after,
            "spring_back": (after - lowest) / (thickness - lowest) if way_down > 0 else math.nan,
            "pressure_peak": max(results["pressure_lowest"], peak),
            "pressure_collector": results["pressure_collector"],
            "time_step": results["time_step"],
            "attempts": results["attempts"],
        }
        _write_record(record, facts, here / "series.txt", log)
        _publish_state(here / "calendered.data", data, "coatline calendered film", facts)
