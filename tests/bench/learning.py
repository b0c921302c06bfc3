"""Time of learning and optimising, on as many synthetic electrodes as the paper has.

SISSO stands beside TorchSISSO with equal operators, rung and terms, with the error of both; the
search for the optimum beside scikit-optimize alone, on a function that costs nothing.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
for library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

SETTINGS: dict[str, Any] = {
    "operators": {
        "add": "+",
        "subtract": "-",
        "multiply": "*",
        "divide": "/",
        "square": "pow(2)",
        "sqrt": "pow(1/2)",
        "inverse": "^-1",
    },
    "complexities": ((1, 1), (1, 2), (2, 2)),
    "screened": 20,
    "scale": "linear",
}
"""What both implementations of SISSO are given: operators by our name and by theirs, rungs and
numbers of terms, features screened for each term, scale of the target. Rung n of ours is their
`n_expansion` of n + 1. Neither cross-validates, neither prefers short formulas."""


def measure_cost(what: Callable[[], Any]) -> tuple[dict[str, float], Any]:
    """Core-seconds and wall seconds of a call, and what it returns."""
    wall, cores = time.perf_counter(), time.process_time()
    result = what()
    return {
        "core_seconds": time.process_time() - cores,
        "wall_seconds": time.perf_counter() - wall,
    }, result


def compare_sisso(inputs: Any, target: Any) -> list[dict[str, Any]]:
    """Both implementations of SISSO on one property."""
    import numpy as np
    import pandas as pd
    from TorchSisso import SissoModel

    from coatline.learn.sisso import Sisso
    from tests.learn.electrodes import BOX, NAMES

    frame = pd.DataFrame(np.column_stack([target, inputs]), columns=["y", *NAMES])
    operators, screened = SETTINGS["operators"], SETTINGS["screened"]
    rows = []
    for rung, terms in SETTINGS["complexities"]:
        model = Sisso(
            NAMES,
            BOX,
            tuple(operators),
            (rung,),
            (terms,),
            scale=SETTINGS["scale"],
            price=0.0,
            screened=screened,
        )
        ours, found = measure_cost(lambda model=model: model.fit(inputs, target))
        error = float(np.sqrt(np.mean((found.predict(inputs) - target) ** 2)))
        theirs, result = measure_cost(
            lambda rung=rung, terms=terms: SissoModel(
                frame,
                operators=list(operators.values()),
                n_expansion=rung + 1,
                n_term=terms,
                k=screened,
            ).fit()
        )
        rows.append(
            {
                "rung": rung,
                "terms": terms,
                "ours": ours,
                "ours_rmse": error,
                "torchsisso": theirs,
                "torchsisso_rmse": float(result[0]),
            }
        )
    return rows


def compare_search(objective: Any, box: Any, calls: int) -> dict[str, Any]:
    """The search for the optimum, what of it the objective takes, and scikit-optimize alone."""
    from skopt import gp_minimize

    from coatline.optimise.search import find_global, find_optimum

    spent = [0.0]
    evaluate = objective.evaluate

    def watch(recipes: Any) -> Any:
        start = time.perf_counter()
        value = evaluate(recipes)
        spent[0] += time.perf_counter() - start
        return value

    check, _ = measure_cost(lambda: find_global(objective, box))
    objective.evaluate = watch
    ours, search = measure_cost(lambda: find_optimum(objective, box, calls))
    del objective.evaluate
    plain, _ = measure_cost(
        lambda: gp_minimize(
            lambda u: sum(v * v for v in u),
            [(-1.0, 1.0)] * 3,
            n_calls=calls,
            acq_func="gp_hedge",
            random_state=0,
        )
    )
    return {
        "calls": calls,
        "ours": ours,
        "objective_wall_seconds": spent[0],
        "scikit_optimize_alone": plain,
        "differential_evolution": check,
        "difference": search.difference,
    }


def main() -> None:
    """Measure, show, and write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=300, help="calls of the objective")
    parser.add_argument("--seeds", type=int, default=75, help="splits of the validation")
    parser.add_argument("--slurries", type=int, default=29, help="6 electrodes of each")
    output = ROOT / "results" / "bench_learning.json"
    parser.add_argument("--output", type=Path, default=output, help="JSON file to write")
    arguments = parser.parse_args()

    import tempfile

    from coatline.learn.surrogates import describe_surrogates, fit_surrogates, write_json
    from coatline.learn.tables import list_indices, score_surrogates
    from coatline.optimise.study import load_study
    from tests.learn.campaigns import BOX, PROPERTIES, make_measurements

    steps: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = make_measurements(Path(folder), arguments.slurries, 6)
        steps["fit"], learned = measure_cost(lambda: fit_surrogates(data, PROPERTIES, BOX))
        path = Path(folder) / "surrogates.json"
        write_json(path, describe_surrogates(learned, data, BOX))
        steps["validate"], _ = measure_cost(
            lambda: score_surrogates(path, data, arguments.seeds, 0.2)
        )
        steps["sensitivity"], _ = measure_cost(lambda: list_indices(path, data, 4096, 200))
        goals = {"porosity": "minimise", "effective_electronic_conductivity": "maximise"}
        study, _ = load_study(
            [Path(folder) / "dataset.nc"], path, PROPERTIES, BOX, {}, goals, {}, "sisso"
        )
        search = compare_search(study.objective, study.box, arguments.calls)
        inputs, target, _ = data.take("porosity")
        sisso = compare_sisso(inputs, target)
    report = {
        "units": {"core_seconds": "s", "wall_seconds": "s"},
        "samples": len(data.sample),
        "properties": len(PROPERTIES),
        "load": os.getloadavg()[0],
        "steps": steps,
        "search": search,
        "sisso_settings": SETTINGS,
        "sisso": sisso,
    }
    print(f"{report['samples']} samples, {report['properties']} properties, core-seconds")
    for name, cost in steps.items():
        print(f"{name:<36}{cost['core_seconds']:>9.2f}")
    print(
        f"{'optimum, ' + str(search['calls']) + ' calls':<36}{search['ours']['core_seconds']:>9.2f}"
    )
    print(f"{'  of it the objective (wall)':<36}{search['objective_wall_seconds']:>9.2f}")
    alone = search["scikit_optimize_alone"]["core_seconds"]
    print(f"{'  scikit-optimize alone':<36}{alone:>9.2f}")
    print(
        f"{'  differential evolution':<36}{search['differential_evolution']['core_seconds']:>9.2f}"
    )
    print(f"\n{'SISSO':<18}{'ours s':>9}{'rmse':>12}{'TorchSISSO s':>14}{'rmse':>12}")
    for row in sisso:
        print(
            f"rung {row['rung']}, {row['terms']} terms   {row['ours']['core_seconds']:>9.2f}"
            f"{row['ours_rmse']:>12.3e}{row['torchsisso']['core_seconds']:>14.2f}"
            f"{row['torchsisso_rmse']:>12.3e}"
        )
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(f"\nwritten: {arguments.output}")


if __name__ == "__main__":
    main()
