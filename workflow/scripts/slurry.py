"""Make a slurry: pack its particles and bring them to rest."""

import json
from pathlib import Path

from job import Job

with Job(snakemake) as job:
    from coatline.manufacture.stages import make_slurry

    files, values = snakemake.output, snakemake.params
    recipe = values.recipe
    if recipe is None:
        late = json.loads(Path(snakemake.input.recipe).read_text(encoding="utf-8"))
        recipe = {key: late[key] for key in ("active_material", "solid_content")}
    make_slurry(
        state=job.path(files.state),
        record=job.path(files.record),
        data=job.path(files.data),
        **recipe,
        **values.electrode,
        ingredients=values.ingredients,
        force_field=values.force_field,
        protocol=values.protocol,
        seed=values.seed,
        decks=job.decks,
        engine=job.engine,
        log=job.log,
        keeping=job.keep(),
    )
    job.stamp(files.record, seed=values.seed, **recipe)
