"""Find the best recipe."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.surrogates import write_json
    from coatline.optimise.films import write_recipe
    from coatline.optimise.study import load_study, optimise_study

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    study, _ = load_study(source.datasets, source.surrogates, **values.study)
    record, search = optimise_study(study, values.calls, values.seed)
    for note in record["notes"]:
        print(f"coatline: {note}")
    search.to_netcdf(files.search)
    write_json(Path(files.optimum), record)
    write_recipe(Path(files.recipe), record["recipe"])
