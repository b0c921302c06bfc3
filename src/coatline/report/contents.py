"""What a report holds, in its order: figures and tables, and which of the paper's they are.

Rule files read this while Snakemake parses them: nothing is imported.
"""

FIGURES = {
    "distributions": ("Three ways to choose the slurries", "2A"),
    "design": ("Design of experiments", "2B"),
    "calendering": ("Calendering curves and porosity over pressure", ""),
    "profiles": ("Profiles over depth", ""),
    "validation": ("Electrodes beside published data", ""),
    "regression": ("Predicted over simulated", "S1"),
    "sobol": ("Sobol indices", ""),
    "dependence": ("Partial dependence", "3"),
    "convergence": ("Convergence of the search", "S2"),
    "optimum": ("The optimum among the electrodes", "4A"),
    "electrodes": ("The optimum made", "4B"),
    "extremes": ("The optimum beside extreme electrodes", "5A–D"),
    "front": ("Pareto front", ""),
    "failures": ("Failures by cause", ""),
    "cost": ("Cost of the campaign", ""),
}
"""Name of the file → title, and number of the paper's figure where it has one."""

TABLES = {
    "formulas": ("Formulas", ""),
    "signal": ("Signal and noise of each property", ""),
    "table1": ("Scores on electrodes held out", "1"),
    "tableS1": ("Scores on electrodes trained on", "S1"),
    "table2": ("Best recipe", "2"),
    "made": ("Predicted against simulated", ""),
    "extremes": ("Electrodes that are best in one property", ""),
    "claims": ("Statements of the paper", ""),
    "table3": ("The electrode at the optimum", "3"),
}
"""Name of the file → title, and number of the paper's table where it has one."""


PAPER = "Duquesnoy 2022"
"""Whose figures and tables the numbers are of."""


def label_figure(name: str) -> str:
    """Title of a figure, with the paper's number."""
    title, number = FIGURES[name]
    return f"{title} (figure {number} in {PAPER})" if number else title


def label_table(name: str) -> str:
    """Title of a table, with the paper's number."""
    title, number = TABLES[name]
    return f"{title} (table {number} in {PAPER})" if number else title
