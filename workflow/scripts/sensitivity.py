"""Compute Sobol indices of all properties."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.measurements import read_measurements
    from coatline.learn.tables import TABLES, list_indices, write_table

    source, values = snakemake.input, snakemake.params
    data = read_measurements([Path(file) for file in source.datasets], values.properties)
    rows, notes = list_indices(
        Path(source.surrogates), data, values.points, values.resamples, values.seed
    )
    for note in notes:
        print(f"coatline: {note}")
    write_table(Path(snakemake.output.indices), rows, TABLES["sobol"])
