"""Draw the electrodes of a campaign."""

from job import Job

with Job(snakemake):
    from coatline.report.draw import draw_campaign
    from coatline.report.drawing import save_drawings

    drawings = draw_campaign(dict(snakemake.input.items()), snakemake.params.campaign)
    save_drawings(drawings, snakemake.output)
