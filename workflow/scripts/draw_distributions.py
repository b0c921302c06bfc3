"""Draw three ways to fill a square."""

from job import Job

with Job(snakemake):
    from coatline.report.design_figures import draw_distributions, sample_distributions
    from coatline.report.style import save

    figure = draw_distributions(sample_distributions())
    for path in snakemake.output.figures:
        save(figure, path)
