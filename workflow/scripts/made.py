"""Gather the electrodes made beside the design: predicted against simulated."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.measurements import check_alike, read_measurements
    from coatline.learn.surrogates import read_errors
    from coatline.learn.tables import write_table
    from coatline.optimise.films import (
        COLUMNS,
        compare_films,
        gather_films,
        label_films,
        read_recipe,
    )
    from coatline.optimise.study import load_study

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    electrodes = {Path(file).stem: Path(file) for file in source.electrodes}
    optimum = read_recipe(Path(source.recipe))
    recipes = {sample: values.choice.get(sample, optimum) for sample in electrodes}
    gather_films(
        electrodes,
        recipes,
        Path(files.films),
        Path(files.provenance),
        campaign=values.campaign,
        material=values.material,
        settings=values.settings,
    )
    for note in check_alike([Path(file) for file in (*source.datasets, files.films)]):
        print(f"coatline: {note}")
    study, surrogates = load_study(source.datasets, source.surrogates, **values.study)
    films = read_measurements([Path(files.films)], values.study["properties"], True)
    rows = compare_films(
        films,
        label_films(recipes, values.choice),
        surrogates,
        read_errors(Path(source.surrogates)),
        study.asked,
        values.study["edges"],
    )
    write_table(Path(files.comparison), rows, COLUMNS)
