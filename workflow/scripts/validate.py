"""Score surrogates on random splits: Tables 1 and S1, regression data, ceilings of noise."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.learn.measurements import read_measurements
    from coatline.learn.surrogates import write_json
    from coatline.learn.tables import (
        TABLES,
        list_ceilings,
        list_published,
        list_regression,
        score_surrogates,
        write_table,
    )
    from coatline.learn.validation import summarise

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    data = read_measurements([Path(file) for file in source.datasets], values.properties)
    surrogates, split = Path(source.surrogates), (values.seeds, values.test_share)
    rows, notes = score_surrogates(surrogates, data, *split, values.seed)
    summary = summarise(rows) if rows else []
    ceilings, more = list_ceilings(surrogates, data, *split)
    tables = {
        "scores": rows,
        "summary": summary,
        "table1": list_published(rows, summary, data.units, "test"),
        "tableS1": list_published(rows, summary, data.units, "train"),
        "regression": list_regression(surrogates, data, values.test_share, values.seed),
        "ceilings": ceilings,
    }
    for name, table in tables.items():
        place = files.table_s1 if name == "tableS1" else getattr(files, name)
        write_table(Path(place), table, TABLES[name])
    write_json(
        Path(files.notes), {"seeds": split[0], "test_share": split[1], "notes": notes + more}
    )
