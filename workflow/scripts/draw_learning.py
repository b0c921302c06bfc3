"""Draw what was learned."""

from job import Job

with Job(snakemake):
    from coatline.report.draw import draw_learning
    from coatline.report.drawing import save_drawings

    save_drawings(draw_learning(dict(snakemake.input.items())), snakemake.output)
