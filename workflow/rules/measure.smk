# measure: particles become one row of numbers, rows become chunks, chunks the dataset.


# Seconds of work each: on a cluster these run beside Snakemake.
localrules:
    gather,
    dataset,
    calendering_curves,


rule measure:
    message:
        "measure: {wildcards.sample}"
    input:
        record="<results>/manufacture/{sample}/calender.nc",
        data="<results>/manufacture/{sample}/calendered.data.gz",
    output:
        electrode="<results>/measure/{sample}.nc",
    log:
        "<logs>/measure/{sample}.log",
    benchmark:
        "<benchmarks>/measure/{sample}.tsv"
    threads: 1
    resources:
        mem_mb=request("measure", "mem_mb"),
        runtime=request("measure", "runtime"),
    conda:
        "../../envs/coatline.yaml"
    params:
        conductivities=plan.material.conductivities(),
        settings=plan.config.measure.model_dump(),
        physics=physics("measure"),
    script:
        "../scripts/measure.py"


# A chunk holds the samples of fixed slurries, so that a new slurry touches its own chunk alone.
rule gather:
    message:
        "measure: gather chunk {wildcards.chunk}"
    input:
        electrodes=lambda wildcards: expand(
            "<results>/measure/{sample}.nc", sample=plan.chunks[wildcards.chunk]
        ),
    output:
        chunk="<results>/measure/chunks/{chunk}.nc",
        provenance="<results>/measure/chunks/{chunk}.json",
    log:
        "<logs>/measure/chunk{chunk}.log",
    benchmark:
        "<benchmarks>/measure/chunk{chunk}.tsv"
    threads: 1
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 15),
    conda:
        "../../envs/coatline.yaml"
    params:
        physics=physics("gather"),
    script:
        "../scripts/gather.py"


rule dataset:
    message:
        "measure: dataset"
    input:
        design="<results>/design/design.csv",
        chunks=expand("<results>/measure/chunks/{chunk}.nc", chunk=plan.chunks),
        provenances=expand("<results>/measure/chunks/{chunk}.json", chunk=plan.chunks),
    output:
        dataset="<results>/dataset.nc",
        provenance="<results>/provenance.json",
    log:
        "<logs>/measure/dataset.log",
    benchmark:
        "<benchmarks>/measure/dataset.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 15),
    conda:
        "../../envs/coatline.yaml"
    params:
        campaign=plan.config.campaign.name,
        material=plan.material.name,
        settings=plan.settings,
        minimum_success=plan.config.campaign.minimum_success,
        physics=physics("dataset"),
    script:
        "../scripts/dataset.py"


rule calendering_curves:
    message:
        "measure: calendering curves"
    input:
        design="<results>/design/design.csv",
        records=expand("<results>/manufacture/{slurry}/press.nc", slurry=plan.design.slurries),
    output:
        curves="<results>/calendering_curves.nc",
    log:
        "<logs>/measure/calendering_curves.log",
    benchmark:
        "<benchmarks>/measure/calendering_curves.tsv"
    threads: 1
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 15),
    conda:
        "../../envs/coatline.yaml"
    params:
        upper_compression=plan.upper_compression,
        physics=physics("calendering_curves"),
    script:
        "../scripts/calendering_curves.py"
