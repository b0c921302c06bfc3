"""Structures of an electrode through the line: slurry, dried, calendered, in one small file.

The states that manufacture leaves are large and are tidied away after a campaign; pictures and the
page need only where spheres lie.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import netCDF4
import numpy as np
from PIL import Image

from coatline.errors import InputError
from coatline.manufacture.state import Particles, read_state
from coatline.measure.dataset import INPUTS
from coatline.report.drawing import Drawing, draw_note
from coatline.report.render import draw_films, find_top, render_film
from coatline.report.words import write_number, write_recipe

STAGES = {"slurry": "Slurry", "dried": "Dried", "calendered": "Calendered"}
"""Stages that are kept, with their titles."""

WIDTH = 1800
"""Of the figure, pixels."""

SMALL = 220
"""Of a picture of one electrode on the page, pixels."""


@dataclass(frozen=True)
class Structures:
    """Spheres of one electrode after each stage.

    Attributes:
        sample: id of the electrode; empty where there is none.
        recipe: (3,) active material, solid content, compression rate, %.
        films: by stage, those that came so far.
    """

    sample: str = ""
    recipe: tuple[float, float, float] = (np.nan, np.nan, np.nan)
    films: dict[str, Particles] = field(default_factory=dict)


def gather_structures(
    states: Mapping[str, Path], sample: str, recipe: Mapping[str, float], output: Path
) -> None:
    """Gather the states of one electrode; a stage that failed is left out.

    Args:
        states: LAMMPS data by stage.
        sample: id of the electrode.
        recipe: %.
        output: netCDF file to write; equal films give equal files.

    Raises:
        InputError: a state cannot be read.
    """
    films = {
        stage: read_state(Path(path)) for stage, path in states.items() if Path(path).stat().st_size
    }
    with netCDF4.Dataset(output, "w") as file:
        file.title = "spheres of one electrode after each stage; phase 1: CBD, 2: active material"
        file.sample = sample
        for name in INPUTS:
            file.setncattr(name, float(recipe[name]))
        file.createDimension("axis", 3)
        for stage, film in films.items():
            count = f"sphere_{stage}"
            file.createDimension(count, len(film))
            rows = {
                "position": ((count, "axis"), "f4", film.position, "um"),
                "diameter": ((count,), "f4", film.diameter, "um"),
                "phase": ((count,), "u1", film.phase, "1"),
            }
            for name, (axes, kind, values, unit) in rows.items():
                variable = file.createVariable(f"{name}_{stage}", kind, axes, zlib=True)
                variable.units = unit
                variable[:] = values
            file[f"position_{stage}"].side = np.array(film.side)


def read_structures(path: Path | str) -> Structures:
    """Read structures back.

    Raises:
        InputError: the file holds none.
    """
    try:
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            films = {
                stage: Particles(
                    np.asarray(file[f"position_{stage}"][:], dtype=float),
                    np.asarray(file[f"diameter_{stage}"][:], dtype=float),
                    np.asarray(file[f"phase_{stage}"][:]),
                    tuple(float(one) for one in file[f"position_{stage}"].side),
                )
                for stage in STAGES
                if f"position_{stage}" in file.variables
            }
            recipe = tuple(float(file.getncattr(name)) for name in INPUTS)
            return Structures(str(file.sample), recipe, films)
    except (OSError, AttributeError, KeyError, RuntimeError, IndexError) as error:
        raise InputError(f"{path}: cannot be read as structures ({error})") from None


def draw_structures(structures: Structures) -> Drawing:
    """Draw slurry, dried and calendered film side by side at one scale (figure 4B)."""
    films = structures.films
    if not films:
        return draw_note("The electrode failed in its first stage: there is no film to draw.")
    rows = [(STAGES[stage], film, find_top(film)) for stage, film in films.items()]
    tops = "; ".join(f"{title.lower()} {write_number(top)} µm" for title, _, top in rows)
    last = list(films.values())[-1]
    active = int((last.phase == 2).sum())
    return Drawing(
        draw_films(rows, width=WIDTH),
        f"Electrode {structures.sample}, made at {write_recipe(structures.recipe)}, the optimum of "
        "its campaign, as it lies after each stage, cut open at the faces of the periodic box: "
        f"{active} particles of active material and {len(last) - active} CBD beads on "
        f"{write_number(last.side[0])} × {write_number(last.side[1])} µm. Height up to the highest "
        f"sphere: {tops}.",
    )


def draw_small(state: Path, output: Path) -> None:
    """Draw one electrode small, for the page; an empty file of one that failed.

    Args:
        state: LAMMPS data of the electrode.
        output: JPEG to write.
    """
    output.parent.mkdir(parents=True, exist_ok=True)
    if not state.stat().st_size:
        output.write_bytes(b"")
        return
    film = read_state(state)
    image = Image.fromarray(render_film(film, find_top(film), width=SMALL))
    image.save(output, format="JPEG", quality=65, optimize=True)
