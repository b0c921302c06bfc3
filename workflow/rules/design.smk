# design: the configuration becomes a table of samples.


# Seconds of work each: on a cluster these run beside Snakemake.
localrules:
    design,


rule design:
    message:
        "design: table of samples"
    output:
        table="<results>/design/design.csv",
    log:
        "<logs>/design/design.log",
    benchmark:
        "<benchmarks>/design/design.tsv"
    threads: 1
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 5),
    conda:
        "../../envs/coatline.yaml"
    params:
        design=plan.design_arguments,
        physics=physics("design"),
    script:
        "../scripts/design.py"
