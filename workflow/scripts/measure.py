"""Measure a calendered electrode."""

from pathlib import Path

from job import Job

with Job(snakemake) as job:
    from coatline.measure.sample import measure_sample

    source, values = snakemake.input, snakemake.params
    measure_sample(
        Path(source.record),
        Path(source.data),
        Path(snakemake.output.electrode),
        conductivities=values.conductivities,
        settings=values.settings,
        threads=snakemake.threads,
    )
    job.stamp(snakemake.output.electrode, source.record)
