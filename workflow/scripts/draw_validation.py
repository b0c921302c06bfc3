"""Draw the campaign's electrodes beside published data."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.measure.curves import read_curves
    from coatline.measure.dataset import read_table
    from coatline.report.films import assemble_campaign
    from coatline.report.published import load_published
    from coatline.report.style import save
    from coatline.report.validation_figures import draw_overview

    source = snakemake.input
    table, curves = read_table(Path(source.dataset)), read_curves(Path(source.curves))
    campaign = assemble_campaign(snakemake.params.campaign, table, curves)
    published = load_published(Path(source.published)) if hasattr(source, "published") else None
    figure = draw_overview(campaign.films, published)
    for path in snakemake.output.figures:
        save(figure, path)
