# manufacture: a recipe becomes particles; slurry, dry and press once per slurry, calender per sample.


rule slurry:
    message:
        "manufacture: slurry {wildcards.slurry}"
    input:
        unpack(lambda wildcards: find_recipe(wildcards.slurry)),
    output:
        state="<results>/manufacture/{slurry}/slurry.restart",
        record="<results>/manufacture/{slurry}/slurry.nc",
        data="<results>/manufacture/{slurry}/slurry.data.gz",
    log:
        "<logs>/manufacture/{slurry}.slurry.log",
    benchmark:
        "<benchmarks>/manufacture/{slurry}.slurry.tsv"
    threads: ranks
    resources:
        mem_mb=request("slurry", "mem_mb"),
        runtime=request("slurry", "runtime"),
    conda:
        "../../envs/coatline.yaml"
    params:
        recipe=lambda wildcards: recipe_of(wildcards.slurry),
        seed=lambda wildcards: plan.seed_of(wildcards.slurry),
        electrode=plan.size,
        ingredients=plan.ingredients,
        force_field=keep(plan.force_field, "slurry"),
        protocol=plan.protocol("slurry"),
        physics=physics("slurry", "slurry.lmp"),
    script:
        "../scripts/slurry.py"


rule dry:
    message:
        "manufacture: dry {wildcards.slurry}"
    input:
        state="<results>/manufacture/{slurry}/slurry.restart",
        record="<results>/manufacture/{slurry}/slurry.nc",
    output:
        state="<results>/manufacture/{slurry}/dried.restart",
        record="<results>/manufacture/{slurry}/dried.nc",
        data="<results>/manufacture/{slurry}/dried.data.gz",
    log:
        "<logs>/manufacture/{slurry}.dry.log",
    benchmark:
        "<benchmarks>/manufacture/{slurry}.dry.tsv"
    threads: ranks
    resources:
        mem_mb=request("dry", "mem_mb"),
        runtime=request("dry", "runtime"),
    conda:
        "../../envs/coatline.yaml"
    params:
        force_field=keep(plan.force_field, "slurry", "dried"),
        protocol=plan.protocol("drying"),
        physics=physics("dry", "dry.lmp"),
    script:
        "../scripts/dry.py"


rule press:
    message:
        "manufacture: press {wildcards.slurry}"
    input:
        state="<results>/manufacture/{slurry}/dried.restart",
        record="<results>/manufacture/{slurry}/dried.nc",
    output:
        **frames_of_press(),
        grid=expand("<results>/manufacture/{{slurry}}/grid{point}.restart", point=plan.grid),
        record="<results>/manufacture/{slurry}/press.nc",
    log:
        "<logs>/manufacture/{slurry}.press.log",
    benchmark:
        "<benchmarks>/manufacture/{slurry}.press.tsv"
    threads: ranks
    resources:
        mem_mb=request("press", "mem_mb"),
        runtime=request("press", "runtime"),
    conda:
        "../../envs/coatline.yaml"
    params:
        upper_compression=plan.upper_compression,
        force_field=keep(plan.force_field, "dried", "yielding"),
        protocol=plan.protocol("pressing"),
        physics=physics("press", "press.lmp"),
    script:
        "../scripts/press.py"


# From the grid state below its own compression, so that an added compression runs nothing else.
rule calender:
    message:
        "manufacture: calender {wildcards.sample}"
    input:
        unpack(lambda wildcards: find_recipe(wildcards.sample)),
        states=lambda wildcards: grid_states_of(wildcards.sample),
        record=lambda wildcards: f"<results>/manufacture/{slurry_of(wildcards.sample)}/press.nc",
    output:
        record="<results>/manufacture/{sample}/calender.nc",
        data="<results>/manufacture/{sample}/calendered.data.gz",
    log:
        "<logs>/manufacture/{sample}.calender.log",
    benchmark:
        "<benchmarks>/manufacture/{sample}.calender.tsv"
    threads: ranks
    resources:
        mem_mb=request("calender", "mem_mb"),
        runtime=request("calender", "runtime"),
    conda:
        "../../envs/coatline.yaml"
    params:
        compression_rate=lambda wildcards: compression_of(wildcards.sample),
        force_field=keep(plan.force_field, "dried", "yielding"),
        protocol=plan.protocol("pressing"),
        physics=physics("calender", "calender.lmp"),
    script:
        "../scripts/calender.py"
