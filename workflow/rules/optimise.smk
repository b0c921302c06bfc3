# optimise: surrogates become an optimum, a front, and recipes that are made by the rules of
# manufacture and measure, at the optimum and in rounds of the closed loop.

late_recipes |= {
    id: f"{plan.folder.as_posix()}/optimise/optimum_recipe.json"
    for sample in plan.optimum_samples
    for id in (sample, slurry_of(sample))
}

# What was proposed once stays: its recipe is a file that no rule makes any more, so that neither more
# electrodes nor other goals or code change it. Its electrode follows the settings of today.
late_recipes |= {
    id: place_recipe(plan.ledger, round, number).as_posix()
    for round, samples in rounds.items()
    for number, sample in enumerate(samples, start=1)
    for id in (sample, slurry_of(sample))
}


# Seconds of work each: on a cluster these run beside Snakemake.
localrules:
    propose,
    gather_round,
    rounds,
    made,


rule optimum:
    message:
        "optimise: optimum"
    input:
        datasets=datasets_up_to(),
        surrogates="<results>/learn/surrogates.json",
    output:
        optimum="<results>/optimise/optimum.json",
        search="<results>/optimise/search.nc",
        recipe="<results>/optimise/optimum_recipe.json",
    log:
        "<logs>/optimise/optimum.log",
    benchmark:
        "<benchmarks>/optimise/optimum.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("optimum", "mem_mb", 2000),
        runtime=request("optimum", "runtime", 120),
    conda:
        "../../envs/coatline.yaml"
    params:
        study=study(),
        calls=optimising("calls"),
        seed=plan.config.campaign.seed,
        physics=physics("optimum"),
    script:
        "../scripts/optimum.py"


rule uncertainty:
    message:
        "optimise: uncertainty of the optimum"
    input:
        datasets=datasets_up_to(),
        surrogates="<results>/learn/surrogates.json",
        optimum="<results>/optimise/optimum.json",
    output:
        uncertainty="<results>/optimise/uncertainty.nc",
    log:
        "<logs>/optimise/uncertainty.log",
    benchmark:
        "<benchmarks>/optimise/uncertainty.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("uncertainty", "mem_mb", 2000),
        runtime=request("uncertainty", "runtime", 60),
    conda:
        "../../envs/coatline.yaml"
    params:
        study=study(),
        resamples=learning("resamples"),
        seed=plan.config.campaign.seed,
        physics=physics("uncertainty"),
    script:
        "../scripts/uncertainty.py"


rule front:
    message:
        "optimise: Pareto front and recipes for targets"
    input:
        datasets=datasets_up_to(),
        surrogates="<results>/learn/surrogates.json",
        optimum="<results>/optimise/optimum.json",
    output:
        front="<results>/optimise/front.nc",
        targets="<results>/optimise/targets.json",
    log:
        "<logs>/optimise/front.log",
    benchmark:
        "<benchmarks>/optimise/front.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=request("front", "mem_mb", 2000),
        runtime=request("front", "runtime", 60),
    conda:
        "../../envs/coatline.yaml"
    params:
        study=study(),
        size=optimising("front"),
        targets=optimising("targets"),
        seed=plan.config.campaign.seed,
        physics=physics("front"),
    script:
        "../scripts/front.py"


# The ledger is history, no result: neither an input nor an output, so that Snakemake never removes it.
# A job that is killed once it has written a round into it finds that round there when it is repeated.
rule propose:
    message:
        "optimise: proposals of round {wildcards.round}"
    input:
        datasets=lambda wildcards: datasets_up_to(int(wildcards.round) - 1),
    output:
        recipes=expand("<results>/optimise/round{{round}}/recipe{number}.json", number=proposals()),
    log:
        "<logs>/optimise/propose{round}.log",
    benchmark:
        "<benchmarks>/optimise/propose{round}.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 2000),
        runtime=within("runtime", 30),
    conda:
        "../../envs/coatline.yaml"
    params:
        ledger=plan.ledger.as_posix(),
        goals=optimising("goals"),
        weights=optimising("weights"),
        box=plan.box,
        fixed=plan.fixed,
        seed=plan.config.campaign.seed,
        expected=expected(),
        physics=physics("propose"),
    wildcard_constraints:
        round=open_rounds(),
    script:
        "../scripts/propose.py"


rule gather_round:
    message:
        "optimise: electrodes of round {wildcards.round}"
    input:
        electrodes=lambda wildcards: expand(
            "<results>/measure/{sample}.nc", sample=rounds[int(wildcards.round)]
        ),
        recipes=lambda wildcards: [late_recipes[sample] for sample in rounds[int(wildcards.round)]],
    output:
        films="<results>/optimise/round{round}/electrodes.nc",
        provenance="<results>/optimise/round{round}/provenance.json",
    log:
        "<logs>/optimise/round{round}.log",
    benchmark:
        "<benchmarks>/optimise/round{round}.tsv"
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
        physics=physics("gather_round"),
    script:
        "../scripts/gather_round.py"


rule rounds:
    message:
        "optimise: what the rounds have found"
    input:
        dataset=DATASET,
        rounds=datasets_up_to()[1:],
    output:
        rounds="<results>/optimise/rounds.csv",
    log:
        "<logs>/optimise/rounds.log",
    benchmark:
        "<benchmarks>/optimise/rounds.tsv"
    threads: 1
    retries: 0
    resources:
        mem_mb=within("mem_mb", 1000),
        runtime=within("runtime", 15),
    conda:
        "../../envs/coatline.yaml"
    params:
        ledger=plan.ledger.as_posix(),
        goals=optimising("goals"),
        weights=optimising("weights"),
        box=plan.box,
        physics=physics("rounds"),
    script:
        "../scripts/rounds.py"


rule made:
    message:
        "optimise: predicted against simulated"
    input:
        datasets=datasets_up_to(),
        surrogates="<results>/learn/surrogates.json",
        recipe="<results>/optimise/optimum_recipe.json",
        electrodes=expand("<results>/measure/{sample}.nc", sample=made_samples()),
    output:
        films="<results>/optimise/made.nc",
        provenance="<results>/optimise/made.json",
        comparison="<results>/optimise/made.csv",
    log:
        "<logs>/optimise/made.log",
    benchmark:
        "<benchmarks>/optimise/made.tsv"
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
        study=study(),
        choice=chosen_recipes(),
        physics=physics("made"),
    script:
        "../scripts/made.py"
