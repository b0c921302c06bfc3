# report: figures, tables and one page to read, each from gathered files alone.


# Seconds of work each: on a cluster these run beside Snakemake.
localrules:
    draw_design,
    draw_campaign,
    draw_learning,
    draw_optimum,
    gather_structures,
    draw_structures,
    tabulate,
    write_page,


rule draw_design:
    message:
        "report: figures of the design"
    input:
        table="<results>/design/design.csv",
    output:
        **figure_files("distributions", "design"),
    log:
        "<logs>/report/design.log",
    benchmark:
        "<benchmarks>/report/design.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        ranges=plan.ranges,
        whole=plan.whole_ranges,
        kind=plan.config.design.kind,
        seed=plan.config.campaign.seed,
        physics=physics("draw_design"),
    script:
        "../scripts/draw_design.py"


rule draw_campaign:
    message:
        "report: figures of the electrodes"
    input:
        **published_data(),
        **campaign_files(),
        dataset=DATASET,
    output:
        **figure_files(*campaign_figures()),
    log:
        "<logs>/report/campaign.log",
    benchmark:
        "<benchmarks>/report/campaign.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        campaign=plan.config.campaign.name,
        physics=physics("draw_campaign"),
    script:
        "../scripts/draw_campaign.py"


rule draw_learning:
    message:
        "report: figures of what was learned"
    input:
        regression="<results>/learn/regression.csv",
        ceilings="<results>/learn/ceilings.csv",
        sobol="<results>/learn/sobol.csv",
    output:
        **figure_files("regression", "sobol"),
    log:
        "<logs>/report/learning.log",
    benchmark:
        "<benchmarks>/report/learning.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        physics=physics("draw_learning"),
    script:
        "../scripts/draw_learning.py"


rule draw_optimum:
    message:
        "report: figures of the optimum"
    input:
        **made_files(),
        dataset=DATASET,
        optimum="<results>/optimise/optimum.json",
        search="<results>/optimise/search.nc",
        front="<results>/optimise/front.nc",
    output:
        **figure_files("dependence", "convergence", "optimum", "extremes", "front"),
    log:
        "<logs>/report/optimum.log",
    benchmark:
        "<benchmarks>/report/optimum.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        physics=physics("draw_optimum"),
    script:
        "../scripts/draw_optimum.py"


rule gather_structures:
    message:
        "report: structures of the optimum"
    input:
        **states_of_optimum(),
    output:
        structures="<results>/structures.nc",
    log:
        "<logs>/report/structures.log",
    benchmark:
        "<benchmarks>/report/structures.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        sample=plan.optimum_samples[:1],
        physics=physics("gather_structures"),
    script:
        "../scripts/gather_structures.py"


rule draw_structures:
    message:
        "report: figure of the optimum made"
    input:
        structures=STRUCTURES,
    output:
        **figure_files("electrodes"),
    log:
        "<logs>/report/electrodes.log",
    benchmark:
        "<benchmarks>/report/electrodes.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        physics=physics("draw_structures"),
    script:
        "../scripts/draw_structures.py"


rule draw_pictures:
    message:
        "report: pictures of electrodes"
    input:
        states=expand("<results>/manufacture/{sample}/calendered.data.gz", sample=pictured()),
    output:
        pictures=expand("<results>/electrodes/{sample}.jpg", sample=pictured()),
    log:
        "<logs>/report/pictures.log",
    benchmark:
        "<benchmarks>/report/pictures.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("draw_pictures", "mem_mb", 1000),
        runtime=request("draw_pictures", "runtime", 60),
    conda:
        "../../envs/coatline.yaml"
    params:
        physics=physics("draw_pictures"),
    script:
        "../scripts/draw_pictures.py"


rule tabulate:
    message:
        "report: tables"
    input:
        **table_sources(),
    output:
        **table_files(),
    log:
        "<logs>/report/tables.log",
    benchmark:
        "<benchmarks>/report/tables.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        loading=plan.size["solid_loading"],
        physics=physics("tabulate"),
    script:
        "../scripts/tabulate.py"


rule write_page:
    message:
        "report: page"
    input:
        **page_sources(),
    output:
        page=report(
            "<results>/report/index.html",
            category="Page",
            caption="../report/page.rst",
        ),
    log:
        "<logs>/report/page.log",
    benchmark:
        "<benchmarks>/report/page.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 2000),
        runtime=within("runtime", 10),
    conda:
        "../../envs/coatline.yaml"
    params:
        campaign=plan.config.campaign.name,
        material=plan.material.name,
        fixed=plan.fixed,
        whole=plan.whole_ranges,
        size=plan.size,
        physics=physics("write_page"),
    script:
        "../scripts/write_page.py"
