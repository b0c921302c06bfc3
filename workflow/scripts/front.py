"""Find the Pareto front, and the recipes that meet targets."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.surrogates import write_json
    from coatline.optimise.study import find_targets, front_study, load_study, read_optimum

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    study, surrogates = load_study(source.datasets, source.surrogates, **values.study)
    optimum = read_optimum(Path(source.optimum), study)
    front_study(study, optimum, values.size, values.seed).to_netcdf(files.front)
    kind = values.study["kind"]
    answer = find_targets(study, surrogates, values.targets, kind, values.seed)
    print(f"coatline: targets: {answer['answer']}")
    write_json(Path(files.targets), answer)
