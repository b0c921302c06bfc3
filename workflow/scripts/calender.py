"""Press a film to the compression of one sample, release it and let it settle."""

import json

from job import Job

with Job(snakemake) as job:
    from coatline.design.grid import start_point
    from coatline.manufacture.stages import calender_film

    source, files, values = snakemake.input, snakemake.output, snakemake.params
    compression_rate, states = values.compression_rate, list(source.states)
    if compression_rate is None:
        late = json.loads(job.path(source.recipe).read_text(encoding="utf-8"))
        compression_rate = late["compression_rate"]
        states = [states[start_point(compression_rate)]]
    calender_film(
        pressed_state=job.path(states[0]),
        pressed_record=job.path(source.record),
        record=job.path(files.record),
        data=job.path(files.data),
        compression_rate=compression_rate,
        force_field=values.force_field,
        protocol=values.protocol,
        decks=job.decks,
        engine=job.engine,
        log=job.log,
        keeping=job.keep(),
    )
    job.stamp(files.record, source.record, compression_rate=compression_rate)
