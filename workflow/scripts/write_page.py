"""Write the page of a campaign."""

from pathlib import Path

from job import Job

with Job(snakemake):
    from coatline.report.page_file import write_page

    values = snakemake.params
    write_page(
        dict(snakemake.input.items()),
        Path(snakemake.output.page),
        campaign=values.campaign,
        material=values.material,
        fixed=values.fixed,
        ranges=values.whole,
        size=values.size,
    )
