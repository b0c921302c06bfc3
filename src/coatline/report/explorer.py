"""What the explorer of the page is given: formulas as JavaScript, electrodes, front and spheres."""

import base64
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from coatline.measure.dataset import INPUTS
from coatline.optimise.films import REACH
from coatline.report.gathered import Best, Electrodes
from coatline.report.optimum_figures import take_goals
from coatline.report.render import find_top
from coatline.report.sheets import Predictor
from coatline.report.structures import STAGES, Structures
from coatline.report.view import set_scene
from coatline.report.words import label_spoke, name_inside, name_property, name_unit

SYMBOLS = {"active_material": "AM", "solid_content": "SC", "compression_rate": "CR"}

DIGITS = 6
"""Digits of simulated values and recipes that are drawn; formulas have all of theirs."""

SPHERES = 8000
"""Spheres of one stage that a page is given; of a larger film it gets a smaller block."""

PICTURES = 5_000_000
"""Bytes of pictures, beyond which the rest is left out."""


def dump_script(value: Any) -> str:
    """Write JSON that may stand inside a script element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def write_formulas(surrogates: Mapping[str, Any]) -> str:
    """Write the formulas as a JavaScript object of functions of the inputs, by property."""
    lines = [
        f"{json.dumps(name)}: {parts['sisso']['javascript'].strip()}"
        for name, parts in surrogates["properties"].items()
        if "sisso" in parts
    ]
    return "{\n" + ",\n".join(lines) + "\n}"


def make_data(
    surrogates: Mapping[str, Any],
    electrodes: Electrodes,
    fixed: Mapping[str, float],
    best: Best | None = None,
    predictor: Predictor | None = None,
    front: xr.Dataset | None = None,
    structures: Structures | None = None,
    pictures: Sequence[Path] = (),
) -> dict[str, Any]:
    """Make the data of the explorer.

    Args:
        surrogates: as `surrogates.json` has them.
        electrodes: of the dataset.
        fixed: inputs that do not vary, %.
        best: the optimum, or None.
        predictor: the formulas.
        front: `front.nc`, or None.
        structures: of the electrode at the optimum, or None.
        pictures: JPEG files named by their sample.

    Returns:
        Lists, names and numbers, as JSON can hold them.
    """
    names = [name for name, parts in surrogates["properties"].items() if "sisso" in parts]
    inputs = [one["name"] for one in surrogates["inputs"]]
    columns = [list(INPUTS).index(name) for name in inputs]
    aims = {aim["name"]: aim for aim in (best.record.get("aims", []) if best else [])}
    recipes = electrodes.recipe[:, columns]
    rows = [
        {
            "label": sample,
            "recipe": _round(recipes[index]),
            "values": _round([electrodes.values[name][index] for name in names]),
        }
        for index, sample in enumerate(electrodes.sample)
    ]
    optimum = [best.predicted.get(name) if best else None for name in names]
    if best and predictor:
        found = predictor.predict(best.recipe)
        optimum = [found.get(name) for name in names]
    start = _round(np.array(best.recipe)[columns]) if best else None
    shapes, places = [], []
    if best:
        shapes.append({"label": "optimum", "values": optimum})
        places.append({"label": "Optimum", "recipe": start})
    for one in take_goals(electrodes, best) if best else []:
        row = one.find_best()
        way = "lowest" if one.goal == "minimise" else "highest"
        label = f"{way} {name_inside(one.name)}"
        shapes.append({"label": f"{label} ({rows[row]['label']})", "values": rows[row]["values"]})
        places.append({"label": label.capitalize(), "recipe": rows[row]["recipe"]})
    middle = [(one["low"] + one["high"]) / 2 for one in surrogates["inputs"]]
    if not shapes:
        known = [_middle(electrodes.values[name]) for name in names]
        shapes = [{"label": "middle of the dataset", "values": known}]
        places = [{"label": "Middle", "recipe": middle}]
    return {
        "reach": REACH,
        "inputs": [
            {
                "name": one["name"],
                "symbol": SYMBOLS[one["name"]],
                "label": name_property(one["name"]),
                "low": one["low"],
                "high": one["high"],
                "start": (start or middle)[index],
            }
            for index, one in enumerate(surrogates["inputs"])
        ],
        "fixed": dict(fixed),
        "properties": [
            _describe_property(name, surrogates["properties"][name], electrodes, aims.get(name))
            for name in names
        ],
        "optimum": {"values": optimum},
        "samples": rows,
        "front": _list_front(front, names, inputs, predictor, fixed),
        "shapes": shapes,
        "places": places,
        "pictures": pack_pictures(pictures),
        "structure": pack_structures(structures) if structures else [],
    }


def _round(values: Any) -> list[float | None]:
    """Round to `DIGITS` significant digits; None for what is no number."""
    return [
        float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
        for value in np.asarray(values, dtype=float)
    ]


def _middle(values: np.ndarray) -> float | None:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else None


def _describe_property(
    name: str,
    parts: Mapping[str, Any],
    electrodes: Electrodes,
    aim: Mapping[str, Any] | None,
) -> dict[str, Any]:
    one = electrodes.take(name)
    return {
        "name": name,
        "label": name_property(name),
        "spoke": label_spoke(name).split("\n"),
        "unit": name_unit(parts["units"]),
        "low": one.low,
        "high": one.high,
        "error": parts["sisso"]["held_out_error"],
        "scale": parts["sisso"]["formula"]["scale"],
        "goal": aim["goal"] if aim else None,
        "weight": aim["weight"] if aim else 0,
        "aim": [aim["low"], aim["high"]] if aim else None,
    }


def _list_front(
    front: xr.Dataset | None,
    names: Sequence[str],
    inputs: Sequence[str],
    predictor: Predictor | None,
    fixed: Mapping[str, float],
) -> list[dict[str, Any]]:
    """List the recipes on the front, with all properties by the formulas."""
    if front is None or predictor is None or "recipe" not in front:
        return []
    order = [str(name) for name in front["input"].values]
    rows = []
    for point in front["recipe"].values:
        recipe = dict(zip(order, map(float, point), strict=True)) | dict(fixed)
        values = predictor.predict([recipe[name] for name in INPUTS])
        rows.append(
            {
                "label": "Pareto front",
                "recipe": _round([recipe[name] for name in inputs]),
                "values": _round([values.get(name, math.nan) for name in names]),
            }
        )
    return rows


def pack_pictures(pictures: Sequence[Path]) -> dict[str, str]:
    """Pack JPEG files as base64 by sample, as far as `PICTURES` goes; empty files are left out."""
    found: dict[str, str] = {}
    total = 0
    for path in map(Path, pictures):
        content = path.read_bytes()
        total += len(content)
        if content and total <= PICTURES:
            found[path.stem] = base64.b64encode(content).decode("ascii")
    return found


def pack_structures(structures: Structures) -> list[dict[str, Any]]:
    """Pack the spheres of each stage in 16 bits a number, with their periodic images.

    Of a film with more than `SPHERES` of them, a corner of the block is kept.
    """
    packed = []
    for stage, film in structures.films.items():
        top = find_top(film)
        scene = set_scene(film, top)
        rows = np.column_stack([scene.centre, scene.radius])
        size, phase = scene.size.astype(float).copy(), scene.phase
        if len(rows) > SPHERES:
            size[:2] *= math.sqrt(SPHERES / len(rows))
            near = (rows[:, :2] - rows[:, 3:] < size[:2]).all(axis=1)
            rows, phase = rows[near], phase[near]
        low = rows.min(axis=0)
        step = np.maximum(np.ptp(rows, axis=0), 1e-9) / 65535
        words = np.round((rows - low) / step).astype("<u2")
        packed.append(
            {
                "title": STAGES[stage],
                "size": _round(size),
                "low": [float(one) for one in low],
                "step": [float(one) for one in step],
                "spheres": base64.b64encode(words.tobytes()).decode("ascii"),
                "phase": base64.b64encode(phase.astype("u1").tobytes()).decode("ascii"),
            }
        )
    return packed
