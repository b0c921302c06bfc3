"""Fit surrogates to all properties."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.measurements import check_alike, read_measurements
    from coatline.learn.surrogates import describe_surrogates, fit_surrogates, write_json

    values = snakemake.params
    datasets = [Path(file) for file in snakemake.input.datasets]
    for note in check_alike(datasets, values.expected):
        print(f"coatline: {note}")
    data = read_measurements(datasets, values.properties)
    learned = fit_surrogates(data, values.properties, values.box, values.seed)
    for one in learned:
        for kind, cause in one.causes.items():
            print(f"coatline: {one.name}{kind and f', {kind}'} was not learned: {cause}")
    content = describe_surrogates(learned, data, values.box)
    write_json(Path(snakemake.output.surrogates), content)
