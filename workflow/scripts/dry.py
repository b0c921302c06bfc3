"""Dry a slurry to a film."""

from job import Job

with Job(snakemake) as job:
    from coatline.manufacture.stages import dry_film

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    dry_film(
        slurry_state=job.path(source.state),
        slurry_record=job.path(source.record),
        state=job.path(files.state),
        record=job.path(files.record),
        data=job.path(files.data),
        force_field=values.force_field,
        protocol=values.protocol,
        decks=job.decks,
        engine=job.engine,
        log=job.log,
        keeping=job.keep(),
    )
    job.stamp(files.record, source.record)
