"""The block of the configuration that names a cluster's limits; it never changes a result."""

from coatline.campaign.config.base import Block, describe


class Cluster(Block):
    """Limits of the partition that jobs are sent to; profiles/slurm is the place to set them."""

    longest_job: int | None = describe(
        "longest walltime that a job may ask for; null for no limit",
        None,
        example=1440,
        unit="minutes",
        ge=1,
    )
    largest_memory: int | None = describe(
        "most memory that a job may ask for; null for no limit",
        None,
        example=64000,
        unit="MB",
        ge=100,
    )
