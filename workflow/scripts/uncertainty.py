"""Find how sure the best recipe is."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.optimise.study import load_study, read_optimum, resample_optimum

    source, values = snakemake.input, snakemake.params
    study, _ = load_study(source.datasets, source.surrogates, **values.study)
    optimum = read_optimum(Path(source.optimum), study)
    found = resample_optimum(study, optimum, values.resamples, values.seed)
    found.to_netcdf(snakemake.output.uncertainty)
