"""Draw the electrode at the optimum after each stage."""

from job import Job

with Job(snakemake):
    from coatline.report.drawing import save_drawings
    from coatline.report.structures import draw_structures, read_structures

    drawing = draw_structures(read_structures(snakemake.input.structures))
    save_drawings({"electrodes": drawing}, snakemake.output)
