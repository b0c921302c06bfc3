"""Nothing that a campaign reads is run: no pickles, no evaluated text, no shells."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PICKLES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve"}
SHELLS = {"os": {"system", "popen"}, "subprocess": {"getoutput", "getstatusoutput"}}
LOADS = {"yaml": {"load", "load_all", "unsafe_load", "unsafe_load_all", "full_load"}}
"""Readers of YAML that can make any object, should the loader be one for that."""
ALLOWED = {
    # The loader is SafeLoader's child, which tests of hostile YAML hold to it.
    "src/coatline/yaml_file.py": ["yaml.load"],
    # BaseLoader makes texts, lists and mappings alone.
    "src/coatline/campaign/given.py": ["yaml.load"],
    # Reads the workflow's own rule files, as Snakemake does.
    "src/coatline/campaign/graph.py": ["exec", "exec", "eval"],
    # joblib runs jobs in parallel here, each a process of its own; it reads no file.
    "src/coatline/learn/validation.py": ["joblib.Parallel", "joblib.delayed"],
    # Formulas and programs that coatline has written are run, to see that they are right.
    "tests/learn/notations.py": ["eval", "exec"],
    "tests/learn/test_campaign_tables.py": ["exec"],
    "tests/learn/test_expressions.py": ["eval"],
    "tests/manufacture/test_lennardjones.py": ["eval"],
    # Made in order to be refused.
    "tests/measure/test_image.py": ["numpy.save(allow_pickle)"],
}


class _Names(ast.NodeVisitor):
    """What the names of a file stand for, whatever the form of the import."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def visit_Import(self, node: ast.Import) -> None:
        for one in node.names:
            name = one.asname or one.name.partition(".")[0]
            self.known[name] = one.name if one.asname else name

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for one in node.names:
            self.known[one.asname or one.name] = f"{node.module}.{one.name}"

    def resolve(self, node: ast.AST) -> str:
        """Dotted name of what an expression names; empty for anything else."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            base = self.resolve(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""


def find_unsafe(text: str) -> Iterator[str]:
    """What is unsafe in Python source, by the full name of what is used."""
    tree = ast.parse(text)
    names = _Names()
    names.visit(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _look_at_import(node)
        elif isinstance(node, ast.Call):
            yield from _look_at_call(names.resolve(node.func).removeprefix("builtins."), node)
        elif isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load):
            yield from _look_at_name(names.resolve(node).removeprefix("builtins."))


def _look_at_import(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    if isinstance(node, ast.Import):
        full = [one.name for one in node.names]
    else:
        full = [f"{node.module}.{one.name}" for one in node.names]
    for name in full:
        if name.partition(".")[0] in PICKLES | {"joblib"}:
            yield name


def _look_at_name(name: str) -> Iterator[str]:
    """Functions that are unsafe however they are called, also where they are passed on."""
    module, _, function = name.rpartition(".")
    if name in ("eval", "exec") or function in (SHELLS | LOADS).get(module, ()):
        yield name


def _look_at_call(name: str, node: ast.Call) -> Iterator[str]:
    given = {one.arg: one.value for one in node.keywords}
    constant = {key: one.value for key, one in given.items() if isinstance(one, ast.Constant)}
    if "shell" in given and constant.get("shell") is not False:
        yield f"{name}(shell)"
    if "allow_pickle" in given and constant.get("allow_pickle") is not False:
        yield f"{name}(allow_pickle)"
    if name == "torch.load" and constant.get("weights_only") is not True:
        yield name
    if name.endswith(".read_pickle"):
        yield name
    if name in ("__import__", "importlib.import_module") and node.args:
        first = node.args[0]
        if isinstance(first, ast.Constant) and str(first.value).partition(".")[0] in PICKLES:
            yield f"{name}({first.value})"


def test_no_python_of_coatline_is_unsafe():
    found = {}
    for folder in ("src", "workflow", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            unsafe = list(find_unsafe(path.read_text(encoding="utf-8")))
            if unsafe:
                found[path.relative_to(ROOT).as_posix()] = sorted(unsafe)
    assert found == {file: sorted(names) for file, names in ALLOWED.items()}


RULES = re.compile(
    r"\b(pickle|dill|cloudpickle|joblib|marshal|shelve|eval|exec|getoutput|popen)\b"
    r"|\b(yaml|torch) \. \w*load|\bos \. system|\bshell = (?!False)|\bimport (\w+ , )*yaml"
    r"|\bfrom (yaml|torch) import"
)


def find_unsafe_rules(text: str) -> list[str]:
    """What is unsafe in a file of rules, which is no Python, by its words alone."""
    passed = (tokenize.COMMENT, tokenize.STRING, tokenize.NL, tokenize.NEWLINE)
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    words = " ".join(one.string for one in tokens if one.type not in passed)
    return [match[0] for match in RULES.finditer(words)]


def test_no_rule_is_unsafe():
    files = [ROOT / "Snakefile", *sorted((ROOT / "workflow").rglob("*.smk"))]
    assert len(files) > 5
    assert {
        path.name: found for path in files if (found := find_unsafe_rules(path.read_text()))
    } == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle as p",
        "from pickle import load",
        "from joblib import load as read",
        "import dill.source",
        "def f():\n    import cloudpickle",
        "import yaml as y\ny.load(text, y.Loader)",
        "from yaml import unsafe_load as safe\nsafe(text)",
        "from yaml import load\nread = load",
        "eval(text)",
        "import builtins\nbuiltins.exec(text)",
        "run = eval",
        "from subprocess import run as go\ngo(text, shell=True)",
        "import subprocess as s\ns.Popen(text, shell=flag)",
        "import os\nos.system(text)",
        "from os import popen\npopen(text)",
        "import torch as t\nt.load(path)",
        "from torch import load\nload(path, weights_only=False)",
        "import importlib\nimportlib.import_module('pickle')",
        "__import__('dill')",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
        "import pandas\npandas.read_pickle(path)",
    ],
)
def test_unsafe_python_is_seen_in_any_form(text):
    assert list(find_unsafe(text))


@pytest.mark.parametrize(
    "text",
    [
        "import yaml\nyaml.safe_load(text)",
        "import torch\ntorch.load(path, weights_only=True)\nmodel.eval()",
        "import subprocess\nsubprocess.run([text], shell=False)",
    ],
)
def test_safe_python_is_not_taken_for_unsafe(text):
    assert not list(find_unsafe(text))


@pytest.mark.parametrize(
    "line",
    ["import pickle", "yaml.unsafe_load(f)", "run(text, shell=True)", "params: eval(text)"],
)
def test_unsafe_rules_are_seen(line):
    assert find_unsafe_rules(f"rule one:\n    {line}\n") and not find_unsafe_rules(f"# {line}\n")
