"""Typed configuration of a campaign: one model per part of the line, one line per error."""

from coatline.campaign.config.blocks import Campaign, Electrode, Engine, Measure
from coatline.campaign.config.check import (
    check_choice,
    check_electrode,
    check_force_field,
    check_scores,
)
from coatline.campaign.config.design import (
    Design,
    Recipe,
    find_upper_compression,
    list_arguments,
)
from coatline.campaign.config.learn import Learn, Optimise
from coatline.campaign.config.load import Config, find_material, load_config, read_config
from coatline.campaign.config.manufacture import Manufacture

__all__ = [
    "Campaign",
    "Config",
    "Design",
    "Electrode",
    "Engine",
    "Learn",
    "Manufacture",
    "Measure",
    "Optimise",
    "Recipe",
    "check_choice",
    "check_electrode",
    "check_force_field",
    "check_scores",
    "find_material",
    "find_upper_compression",
    "list_arguments",
    "load_config",
    "read_config",
]
