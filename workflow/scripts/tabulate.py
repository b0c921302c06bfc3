"""Print tables, ours beside the published ones."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.report.draw import list_sheets
    from coatline.report.sheets import write_sheet

    files = snakemake.output
    sheets = list_sheets(dict(snakemake.input.items()), snakemake.params.loading)
    for table, caption in zip(files.tables, files.captions, strict=True):
        write_sheet(sheets[Path(table).stem], Path(table), Path(caption))
