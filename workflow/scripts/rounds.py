"""List what the rounds proposed and what has become of it."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.measurements import read_measurements
    from coatline.learn.tables import write_table
    from coatline.optimise.loop import COLUMNS, list_rounds

    values = snakemake.params
    goals = list(values.goals)
    base = read_measurements([Path(snakemake.input.dataset)], goals)
    rounds = [read_measurements([Path(file)], goals, True) for file in snakemake.input.rounds]
    rows = list_rounds(Path(values.ledger), base, rounds, values.goals, values.weights, values.box)
    write_table(Path(snakemake.output.rounds), rows, COLUMNS)
