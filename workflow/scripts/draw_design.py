"""Draw the design within its box."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.design.file import read_design
    from coatline.report.design_figures import draw_design
    from coatline.report.style import save

    design = read_design(Path(snakemake.input.table))
    names = ("active_material", "solid_content", "compression_rate")
    columns = {name: [getattr(row, name) for row in design] for name in names}
    figure = draw_design(**columns, ranges=snakemake.params.ranges)
    for path in snakemake.output.figures:
        save(figure, path)
