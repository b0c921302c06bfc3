"""Draw electrodes small, for the page."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.report.structures import draw_small

    for state, picture in zip(snakemake.input.states, snakemake.output.pictures, strict=True):
        draw_small(Path(state), Path(picture))
