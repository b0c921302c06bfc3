"""Draw the design within its box."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.design.file import read_design
    from coatline.report.design_figures import show_design
    from coatline.report.drawing import save_drawings

    design = read_design(Path(snakemake.input.table))
    drawing = show_design(design, snakemake.params.ranges)
    save_drawings({"design": drawing}, snakemake.output)
