"""Gather the measured samples of a chunk."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.measure.dataset import gather_chunk

    paths = [Path(file) for file in snakemake.input.electrodes]
    gather_chunk(paths, Path(snakemake.output.chunk), Path(snakemake.output.provenance))
