"""Write the table of samples."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.design.file import write_design
    from coatline.design.table import make_design

    cache = Path(".snakemake") / "coatline"
    design = make_design(**snakemake.params.design, cache=cache)
    write_design(Path(snakemake.output.table), design)
