"""Draw the optimum and what it stands beside."""

from job import Job

with Job(snakemake):
    from coatline.report.draw import draw_best
    from coatline.report.drawing import save_drawings

    save_drawings(draw_best(dict(snakemake.input.items())), snakemake.output)
