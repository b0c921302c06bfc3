"""Draw the design within its box, and how its slurries were chosen."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.design.file import read_design
    from coatline.report.design_figures import show_design, show_distributions
    from coatline.report.drawing import save_drawings

    values = snakemake.params
    design = read_design(Path(snakemake.input.table))
    drawings = {
        "distributions": show_distributions(design, values.whole, values.kind, values.seed),
        "design": show_design(design, values.ranges),
    }
    save_drawings(drawings, snakemake.output)
