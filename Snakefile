# coatline: from a recipe space to a dataset of simulated electrodes.
#   snakemake --cores 2 --configfile config/demo.yaml


if not workflow.overwrite_configfiles:

    configfile: "config/demo.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/files.smk"
include: "workflow/rules/design.smk"
include: "workflow/rules/manufacture.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/learn.smk"
include: "workflow/rules/optimise.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/campaign.smk"


# What a plain `snakemake` makes: the dataset, the calendering curves, what is learned from them, the
# best recipes, figures, tables and the page.
rule all:
    default_target: True
    input:
        **final_files(),


# All figures and tables again, from gathered files alone.
rule figures:
    input:
        all_figures(),
