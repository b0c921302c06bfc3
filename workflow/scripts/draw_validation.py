"""Draw the campaign's electrodes beside published data."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.measure.curves import read_curves
    from coatline.measure.dataset import read_table
    from coatline.report.drawing import save_drawings
    from coatline.report.films import assemble_campaign
    from coatline.report.published import load_published
    from coatline.report.validation_figures import show_overview

    source = snakemake.input
    table, curves = read_table(Path(source.dataset)), read_curves(Path(source.curves))
    campaign = assemble_campaign(snakemake.params.campaign, table, curves)
    published = load_published(Path(source.published)) if hasattr(source, "published") else None
    drawing = show_overview(campaign.films, published)
    save_drawings({"validation": drawing}, snakemake.output)
