# learn: the dataset, and the rounds of the closed loop, become surrogates with error bars.


rule fit:
    message:
        "learn: surrogates"
    input:
        datasets=datasets_up_to(),
    output:
        surrogates="<results>/learn/surrogates.json",
    log:
        "<logs>/learn/fit.log",
    benchmark:
        "<benchmarks>/learn/fit.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("fit", "mem_mb", 2000),
        runtime=request("fit", "runtime", 60),
    conda:
        "../../envs/coatline.yaml"
    params:
        properties=plan.properties,
        box=plan.box,
        seed=plan.config.campaign.seed,
        expected=expected(),
        physics=physics("fit"),
    script:
        "../scripts/fit.py"


rule validate:
    message:
        "learn: scores of the surrogates"
    input:
        datasets=datasets_up_to(),
        surrogates="<results>/learn/surrogates.json",
    output:
        scores="<results>/learn/scores.csv",
        summary="<results>/learn/summary.csv",
        table1="<results>/learn/table1.csv",
        table_s1="<results>/learn/tableS1.csv",
        regression="<results>/learn/regression.csv",
        ceilings="<results>/learn/ceilings.csv",
        notes="<results>/learn/notes.json",
    log:
        "<logs>/learn/validate.log",
    benchmark:
        "<benchmarks>/learn/validate.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("validate", "mem_mb", 2000),
        runtime=request("validate", "runtime", 120),
    conda:
        "../../envs/coatline.yaml"
    params:
        properties=plan.properties,
        seeds=learning("seeds"),
        test_share=learning("test_share"),
        seed=plan.config.campaign.seed,
        physics=physics("validate"),
    script:
        "../scripts/validate.py"


rule sensitivity:
    message:
        "learn: Sobol indices"
    input:
        datasets=datasets_up_to(),
        surrogates="<results>/learn/surrogates.json",
    output:
        indices="<results>/learn/sobol.csv",
    log:
        "<logs>/learn/sensitivity.log",
    benchmark:
        "<benchmarks>/learn/sensitivity.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("sensitivity", "mem_mb", 2000),
        runtime=request("sensitivity", "runtime", 60),
    conda:
        "../../envs/coatline.yaml"
    params:
        properties=plan.properties,
        points=learning("sobol_points"),
        resamples=learning("resamples"),
        seed=plan.config.campaign.seed,
        physics=physics("sensitivity"),
    script:
        "../scripts/sensitivity.py"
