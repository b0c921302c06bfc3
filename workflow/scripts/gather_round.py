"""Gather the electrodes of a round."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.optimise.films import gather_films, read_recipe

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    electrodes = {Path(file).stem: Path(file) for file in source.electrodes}
    recipes = [read_recipe(Path(file)) for file in source.recipes]
    gather_films(
        electrodes,
        dict(zip(electrodes, recipes, strict=True)),
        Path(files.films),
        Path(files.provenance),
        campaign=values.campaign,
        material=values.material,
        settings=values.settings,
    )
