# report: figures, each from gathered files alone.


rule draw_distributions:
    message:
        "report: figure of three ways to fill a square"
    output:
        figures=multiext("<results>/report/figures/distributions", ".svg", ".pdf", ".png"),
    log:
        "<logs>/report/distributions.log",
    benchmark:
        "<benchmarks>/report/distributions.tsv"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    conda:
        "../../envs/coatline.yaml"
    params:
        physics=physics("draw_distributions"),
    script:
        "../scripts/draw_distributions.py"


rule draw_design:
    message:
        "report: figure of the design"
    input:
        table="<results>/design/design.csv",
    output:
        figures=multiext("<results>/report/figures/design", ".svg", ".pdf", ".png"),
    log:
        "<logs>/report/design.log",
    benchmark:
        "<benchmarks>/report/design.tsv"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    conda:
        "../../envs/coatline.yaml"
    params:
        ranges=plan.ranges,
        physics=physics("draw_design"),
    script:
        "../scripts/draw_design.py"


rule draw_validation:
    message:
        "report: figure of the electrodes beside published data"
    input:
        **published_data(),
        dataset=DATASET,
        curves=CURVES,
    output:
        figures=multiext("<results>/report/figures/validation", ".svg", ".pdf", ".png"),
    log:
        "<logs>/report/validation.log",
    benchmark:
        "<benchmarks>/report/validation.tsv"
    threads: 1
    resources:
        mem_mb=escalate(1000),
        runtime=escalate(10),
    conda:
        "../../envs/coatline.yaml"
    params:
        campaign=plan.config.campaign.name,
        physics=physics("draw_validation"),
    script:
        "../scripts/draw_validation.py"
