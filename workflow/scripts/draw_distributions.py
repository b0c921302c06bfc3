"""Draw three ways to fill a square."""

from job import Job

with Job(snakemake):
    from coatline.report.design_figures import show_distributions
    from coatline.report.drawing import save_drawings

    save_drawings({"distributions": show_distributions()}, snakemake.output)
