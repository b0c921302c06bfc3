"""Put the chunks together: dataset.nc and provenance.json.

With too many failures the dataset is kept under another name and the campaign stops.
"""

from pathlib import Path

from job import Job

with Job(snakemake) as job:
    from coatline.campaign.provenance import write_provenance
    from coatline.campaign.settings import write_settings
    from coatline.design.file import read_design
    from coatline.measure.dataset import assemble, check_success, list_physics

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    output = Path(files.dataset)
    partial = job.place(files.dataset).with_name("dataset_incomplete.nc")
    write_provenance(Path(files.provenance), source.provenances, values.campaign, job.config)
    table = assemble(
        [Path(file) for file in source.chunks],
        read_design(Path(source.design)),
        partial,
        campaign=values.campaign,
        material=values.material,
        physics=list_physics(source.provenances),
    )
    write_settings(partial, values.settings)
    check_success(table, values.minimum_success, partial, job.log.parents[1])
    partial.replace(output)
