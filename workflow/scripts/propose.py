"""Propose the recipes of a round; what the ledger holds stays as it is."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.measurements import check_alike, read_measurements
    from coatline.optimise.films import write_recipe
    from coatline.optimise.loop import propose_recipes

    files, values = snakemake.output, snakemake.params
    datasets = [Path(file) for file in snakemake.input.datasets]
    check_alike(datasets, values.expected)
    base, data = (read_measurements(part, list(values.goals)) for part in (datasets[:1], datasets))
    recipes = propose_recipes(
        Path(values.ledger),
        int(snakemake.wildcards.round),
        len(files.recipes),
        base,
        data,
        values.goals,
        values.weights,
        values.box,
        values.fixed,
        values.seed,
    )
    for path, recipe in zip(files.recipes, recipes, strict=True):
        write_recipe(Path(path), recipe)
