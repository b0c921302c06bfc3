# coatline: from a recipe space to a dataset of simulated electrodes.
#   snakemake --cores 2 --configfile config/demo.yaml


if not workflow.overwrite_configfiles:

    configfile: "config/demo.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/design.smk"
include: "workflow/rules/manufacture.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/report.smk"


# What a plain `snakemake` makes: the dataset, and the figures of the design.
rule all:
    default_target: True
    input:
        dataset="<results>/dataset.nc",
        figures=expand(
            "<results>/report/figures/{figure}.{format}",
            figure=["distributions", "design"],
            format=["svg", "pdf", "png"],
        ),
