"""Press a dried film to the upper compression of the design, leaving a grid of states."""

from job import Job

with Job(snakemake) as job:
    from coatline.manufacture.stages import press_film

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    press_film(
        dried_state=job.path(source.state),
        dried_record=job.path(source.record),
        grid=[job.path(file) for file in files.grid],
        record=job.path(files.record),
        frames=job.path(files.frames) if hasattr(files, "frames") else None,
        upper_compression=values.upper_compression,
        force_field=values.force_field,
        protocol=values.protocol,
        decks=job.decks,
        engine=job.engine,
        log=job.log,
        keeping=job.keep(),
    )
    job.stamp(files.record, source.record)
