"""Gather the spheres of the electrode at the optimum, stage by stage."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.optimise.films import read_recipe
    from coatline.report.structures import STAGES, gather_structures

    source = snakemake.input
    gather_structures(
        {stage: Path(source[stage]) for stage in STAGES},
        snakemake.params.sample[0],
        read_recipe(Path(source.recipe)),
        Path(snakemake.output.structures),
    )
