"""Electrodes that are made after the dataset, predicted against simulated."""

import json
import math
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from coatline.campaign.settings import write_settings
from coatline.design.table import Design, Sample
from coatline.errors import InputError
from coatline.learn.gaussian import SlurryProcess
from coatline.learn.measurements import Measurements
from coatline.learn.surrogates import write_json
from coatline.measure.dataset import INPUTS, assemble, gather_chunk, list_physics
from coatline.optimise.objective import Aim, score_properties

Row = dict[str, Any]

COLUMNS = (
    "recipe",
    *INPUTS,
    "property",
    "units",
    *("formula", "formula_low", "formula_high"),
    *("process", "process_low", "process_high", "film_low", "film_high"),
    *("films", "failed"),
    *("simulated", "simulated_low", "simulated_high", "least", "most", "inside"),
)
"""Columns of `compare_films`."""

REACH = float(stats.norm.ppf(0.975))
"""Half-width of a 95 % interval, in standard deviations."""


def write_recipe(path: Path, recipe: Mapping[str, float]) -> None:
    """Write a recipe that is known late, %, as the rules of manufacture read it."""
    write_json(path, {name: recipe[name] for name in INPUTS} | {"units": "%"})


def read_recipe(path: Path) -> dict[str, float]:
    """Read such a recipe back, %.

    Raises:
        InputError: the file holds none.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        return {name: float(record[name]) for name in INPUTS}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as a recipe ({error})") from None


def gather_films(
    electrodes: Mapping[str, Path],
    recipes: Mapping[str, Mapping[str, float]],
    output: Path,
    provenance: Path,
    *,
    campaign: str,
    material: str,
    settings: Mapping[str, Any],
) -> None:
    """Gather electrodes into a file like `dataset.nc`; failed ones are rows with their cause.

    Args:
        electrodes: measured samples, by id.
        recipes: of each, %.
        output: netCDF file to write.
        provenance: JSON file to write, sample → stage → run.
        campaign: its name.
        material: name of the active material.
        settings: that they were made with, see `coatline.campaign.settings`.

    Raises:
        InputError: a file cannot be read.
    """
    design = Design(
        tuple(
            Sample(sample, sample.partition("c")[0], *(recipes[sample][name] for name in INPUTS))
            for sample in electrodes
        )
    )
    with tempfile.TemporaryDirectory(dir=Path(output).parent) as folder:
        chunk = Path(folder) / "chunk.nc"
        gather_chunk(list(electrodes.values()), chunk, Path(provenance))
        assemble(
            [chunk],
            design,
            Path(output),
            campaign=campaign,
            material=material,
            physics=list_physics([provenance]),
        )
    write_settings(Path(output), settings)


def label_films(samples: Iterable[str], choice: Mapping[str, object]) -> list[str]:
    """Label films by their recipe: `optimum`, or `u00c1` for a recipe of choice.

    Args:
        samples: ids.
        choice: ids of those that are no optimum; replicates are labelled by the first of them.
    """
    return [re.sub(r"r\d+", "", name) if name in choice else "optimum" for name in samples]


def compare_films(
    films: Measurements,
    labels: Sequence[str],
    surrogates: Mapping[str, Mapping[str, Any]],
    errors: Mapping[str, float | None],
    aims: Sequence[Aim],
    edges: Mapping[str, Sequence[float]],
) -> list[Row]:
    """Compare what surrogates predict for recipes with the electrodes made of them.

    Args:
        films: electrodes made; those of one label share a recipe.
        labels: (n,) of the recipe of each film, such as `optimum`.
        surrogates: by property and kind.
        errors: root mean squared error of the formula for slurries held out, on its scale, by
            property; None where unknown.
        aims: that C_f is made of; one of weight 0 plays no part.
        edges: of the inputs that vary, whose order the surrogates take.

    Returns:
        A row for each recipe and property, and for C_f (`objective`): the recipe in %; `formula`
        with the interval that a film is expected in (`formula_low`, `formula_high`, 95 % for
        normal errors of the held-out size); `process` with its 95 % intervals for the mean of many
        slurries (`process_low`, `process_high`) and for one film (`film_low`, `film_high`);
        `films` made well and `failed`; their mean `simulated` with Student's 95 % interval
        (`simulated_low`, `simulated_high`, from 2 films on), `least` and `most`; `inside`, how
        many films lie in the process's interval for one film.
    """
    rows: list[Row] = []
    marks = np.array(labels)
    columns = [list(INPUTS).index(name) for name in edges]
    for label in dict.fromkeys(labels):
        members = np.flatnonzero(marks == label)
        recipe = films.inputs[members[0]]
        head = {"recipe": label} | dict(zip(INPUTS, recipe.tolist(), strict=True))
        done = members[films.ok[members]]
        counts = {"films": len(done), "failed": len(members) - len(done)}
        point = recipe[columns][None]
        for name in films.values:
            values = films.values[name][done]
            predicted = _predict(surrogates.get(name, {}), point, errors.get(name))
            rows.append(
                head
                | {"property": name, "units": films.units[name]}
                | predicted
                | counts
                | _describe_films(values, predicted)
            )
        rows.append(head | _compare_objective(films, done, surrogates, aims, point) | counts)
    return [{key: row.get(key, math.nan) for key in COLUMNS} for row in rows]


def _predict(kinds: Mapping[str, Any], point: np.ndarray, error: float | None) -> Row:
    names = ("formula", "formula_low", "formula_high")
    names += ("process", "process_low", "process_high", "film_low", "film_high")
    found: Row = dict.fromkeys(names, math.nan)
    if "sisso" in kinds:
        found["formula"] = value = float(kinds["sisso"].predict(point)[0])
        if error is not None:
            log = kinds["sisso"].formula.scale == "log"
            ends = [
                value * math.exp(s * REACH * error) if log else value + s * REACH * error
                for s in (-1, 1)
            ]
            found["formula_low"], found["formula_high"] = ends
    process = kinds.get("process")
    if isinstance(process, SlurryProcess):
        found["process"] = float(process.predict(point)[0])
        for key, one_film in (("process", False), ("film", True)):
            low, high = process.predict_interval(point, one_film=one_film)
            found[f"{key}_low"], found[f"{key}_high"] = float(low[0]), float(high[0])
    return found


def _describe_films(values: np.ndarray, predicted: Row) -> Row:
    values = values[np.isfinite(values)]
    found: Row = _describe_mean(values)
    inside = (values >= predicted["film_low"]) & (values <= predicted["film_high"])
    known = math.isfinite(predicted["film_low"]) and len(values)
    return found | {"inside": int(inside.sum()) if known else math.nan}


def _describe_mean(values: np.ndarray) -> Row:
    names = ("simulated", "simulated_low", "simulated_high", "least", "most")
    found: Row = dict.fromkeys(names, math.nan)
    if not len(values):
        return found
    mean = float(values.mean())
    found |= {"simulated": mean, "least": float(values.min()), "most": float(values.max())}
    if len(values) > 1:
        reach = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values))
        found["simulated_low"], found["simulated_high"] = float(mean - reach), float(mean + reach)
    return found


def _compare_objective(
    films: Measurements,
    done: np.ndarray,
    surrogates: Mapping[str, Mapping[str, Any]],
    aims: Sequence[Aim],
    point: np.ndarray,
) -> Row:
    """C_f of predicted properties, and of each film."""
    found: Row = {"property": "objective", "units": "1"}
    aims = [aim for aim in aims if aim.weight > 0]
    if not aims:
        return found
    for key, kind in (("formula", "sisso"), ("process", "process")):
        models = [surrogates.get(aim.name, {}).get(kind) for aim in aims]
        if all(model is not None for model in models):
            values = np.array([float(model.predict(point)[0]) for model in models])
            found[key] = float(score_properties(aims, values))
    values = np.stack([films.values[aim.name][done] for aim in aims], axis=1)
    scores = score_properties(aims, values)
    return found | _describe_mean(scores[np.isfinite(scores)])
