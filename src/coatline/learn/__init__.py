"""Surrogates: closed formulas between the recipe of an electrode and its properties."""
