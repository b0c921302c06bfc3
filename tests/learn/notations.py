"""Readers of the notations that formulas are written in, for tests."""

import re

import numpy as np

FUNCTIONS = {"sqrt": np.sqrt, "cbrt": np.cbrt, "exp": np.exp, "log": np.log, "abs": np.abs}


def read_text(text, values):
    """Value of a formula in plain text."""
    return eval(text.replace("^", "**"), {"__builtins__": {}}, FUNCTIONS | dict(values))


def read_latex(text, values):
    """Value of a formula in LaTeX, by way of Python."""
    return read_text(latex_to_text(text), values)


def latex_to_text(text):
    """Plain text of LaTeX as `Formula.latex` writes it."""
    text = re.sub(r"\\mathrm\{((?:[^{}\\]|\\_)*)\}", lambda m: m[1].replace("\\_", "_"), text)
    text = re.sub(r" \\times 10\^\{(-?\d+)\}", r"e\1", text)
    text = text.replace(r"\left|", "abs(").replace(r"\right|", ")")
    text = text.replace(r"\exp", "exp").replace(r"\ln", "log")
    text = text.replace(r"\left(", "(").replace(r"\right)", ")").replace(r"\,", "*")
    while "\\" in text:
        before = text
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", text)
        text = re.sub(r"\\sqrt\[3\]\{([^{}]*)\}", r"cbrt(\1)", text)
        text = re.sub(r"\\sqrt\{([^{}]*)\}", r"sqrt(\1)", text)
        text = re.sub(r"\^\{(\d)\}", r"**\1", text)
        assert text != before, f"not LaTeX that is known here: {text}"
    return re.sub(r"\^\{(\d)\}", r"**\1", text)


def run_python(source, rows):
    """Results of the function `predict` of a Python source, row by row."""
    names = {}
    exec(source, names)
    return np.array([names["predict"](*map(float, row)) for row in rows])
