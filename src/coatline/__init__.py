"""coatline: a simulated electrode coating line, from a recipe space to a dataset of electrodes."""

__version__ = "0.1.0"
