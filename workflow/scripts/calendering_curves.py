"""Gather the calendering curves of all slurries."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.design.file import read_design
    from coatline.measure.curves import gather_curves

    source, values = snakemake.input, snakemake.params
    records = {Path(file).parent.name: Path(file) for file in source.records}
    gather_curves(
        records,
        read_design(Path(source.design)),
        Path(snakemake.output.curves),
        values.upper_compression,
    )
