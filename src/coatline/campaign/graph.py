"""The graph of a campaign's jobs, read from the rule files: what makes what from what.

The rules are the one place that says it. Their inputs and outputs are Python, which is run here on
a plan, without Snakemake: from the files that a campaign ends with back to the jobs that make them.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from coatline.campaign.config.load import ROOT
from coatline.campaign.plan import Plan

RULES = ROOT / "workflow" / "rules"
FIRST, PARTS = "files", ("design", "manufacture", "measure", "learn", "optimise", "report")
"""Rule files, as the Snakefile includes them."""
DIRECTIVE = re.compile(r"(rule|localrules|wildcard_constraints)\b ?(\w*):")
"""Parts of a rule file that are not plain Python."""
FIELD = re.compile(r"    (\w+):")
READ = ("input", "output", "wildcard_constraints")

Key = tuple[str, str]
"""A job: its rule, and the values of its wildcards, which no two jobs of a rule share."""


@dataclass(frozen=True)
class Unpacked:
    """A function that gives named files, as Snakemake's `unpack`."""

    function: Callable[[Any], Mapping[str, Any]]


@dataclass(frozen=True)
class Rule:
    """A rule: its name, patterns of its outputs, wildcards → inputs, shapes of wildcards."""

    name: str
    outputs: list[str]
    inputs: Callable[[Mapping[str, str]], list[str]]
    shapes: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        rule: its name.
        name: values of its wildcards.
        outputs: its files.
        inputs: all files that it takes, given ones too.
        before: jobs that it takes files from → those files.
    """

    rule: str
    name: str
    outputs: list[str]
    inputs: list[str]
    before: dict[Key, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """All jobs of a campaign, in an order in which they can run.

    Attributes:
        jobs: by rule and wildcards.
        final: what the campaign ends with: jobs → their files.
        local: names of the rules that run beside Snakemake.
    """

    jobs: dict[Key, Job]
    final: dict[Key, list[str]]
    local: frozenset[str]

    def find_needed(
        self,
        exists: Callable[[str], bool],
        is_stale: Callable[[Job], bool] = lambda job: False,
    ) -> set[Key]:
        """Find the jobs that Snakemake would run for files that are missing or were made of others.

        These make a file that the campaign ends with, or that such a job needs, and is missing; or
        they are stale, as gathering is when samples are added; and all that follow them. What is
        missing and needed by none is left alone.

        Args:
            exists: whether there is a file.
            is_stale: whether a job whose files are there was run on other inputs than it has now.
        """
        after: dict[Key, list[Key]] = {}
        for key, job in self.jobs.items():
            for one in job.before:
                after.setdefault(one, []).append(key)

        def lacking(asked: Mapping[Key, list[str]]) -> Iterator[Key]:
            return (key for key, files in asked.items() if not all(map(exists, files)))

        waiting, run = list(lacking(self.final)), set()
        for key, job in self.jobs.items():
            if all(map(exists, job.outputs)) and is_stale(job):
                waiting.append(key)
        while waiting:
            key = waiting.pop()
            if key not in run:
                run.add(key)
                waiting += [*lacking(self.jobs[key].before), *after.get(key, [])]
        return run


def read_graph(plan: Plan, rules: Path = RULES) -> Graph:
    """Read the graph of a campaign.

    Args:
        plan: the campaign.
        rules: folder of the rule files.
    """
    reader = _Reader(plan)
    for name in (FIRST, *PARTS):
        reader.read((rules / f"{name}.smk").read_text(encoding="utf-8"), f"{name}.smk")
    return _Builder(reader).build(reader.collect((), reader.names["final_files"](), {}))


class _Reader:
    """What the rule files define, run on a plan."""

    def __init__(self, plan: Plan) -> None:
        self._results = plan.folder.as_posix()
        self.rules: list[Rule] = []
        self.local: set[str] = set()
        self.constraints: dict[str, str] = {}
        self.names: dict[str, Any] = {
            "plan": plan,
            "expand": expand,
            "unpack": Unpacked,
            "workflow": SimpleNamespace(is_main_process=True),
            "report": lambda path, **_: path,
            "_fields": lambda *files, **named: (files, named),
        }

    def read(self, text: str, file: str) -> None:
        """Run a rule file: its Python as it stands, its directives as what they mean here."""
        python: list[str] = []
        lines = text.splitlines()
        while lines:
            directive = DIRECTIVE.match(lines[0])
            if not directive:
                python.append(lines.pop(0))
                continue
            exec(compile("\n".join(python), file, "exec"), self.names)
            python = []
            lines.pop(0)
            body = []
            while lines and (not lines[0] or lines[0].startswith(" ")):
                body.append(lines.pop(0))
            self._take(directive[1], directive[2], body)
        exec(compile("\n".join(python), file, "exec"), self.names)

    def _take(self, kind: str, name: str, body: list[str]) -> None:
        if kind == "localrules":
            self.local |= set(re.findall(r"\w+", "\n".join(body)))
        elif kind == "wildcard_constraints":
            self.constraints |= self._evaluate(body)[1]
        else:
            fields = _split(body)
            outputs = self.collect(*self._evaluate(fields["output"]), None)
            files, named = self._evaluate(fields.get("input", []))
            inputs = lambda wildcards: self.collect(files, named, wildcards)  # noqa: E731
            shapes = self._evaluate(fields.get("wildcard_constraints", []))[1]
            self.rules.append(Rule(name, outputs, inputs, shapes))

    def _evaluate(self, lines: list[str]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return eval("_fields(\n" + "\n".join(lines) + "\n)", self.names)

    def collect(
        self, files: Iterable[Any], named: Mapping[str, Any], wildcards: Mapping[str, str] | None
    ) -> list[str]:
        """All files of a field, with wildcards filled in; they stay where there are none given."""
        found: list[str] = []
        for value in (*files, *named.values()):
            function = value.function if isinstance(value, Unpacked) else value
            if callable(function):
                value = function(SimpleNamespace(**wildcards))
            if isinstance(value, Mapping):
                found += self.collect((), value, wildcards)
            elif isinstance(value, str):
                path = value.replace("<results>", self._results)
                path = path if wildcards is None else path.format(**wildcards)
                found.append(path)
            else:
                found += self.collect(value, {}, wildcards)
        return found


class _Builder:
    """The jobs of a campaign, found from their files."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._jobs: dict[Key, Job] = {}
        self._makers: dict[str, Key | None] = {}
        self._fixed = {o: rule for rule in reader.rules for o in rule.outputs if "{" not in o}
        self._patterns = [
            (self._compile(output, rule.shapes), rule)
            for rule in reader.rules
            for output in rule.outputs
            if "{" in output
        ]

    def _compile(self, output: str, shapes: Mapping[str, str]) -> re.Pattern[str]:
        text, seen = "", set()
        for index, part in enumerate(re.split(r"\{(\w+)\}", output)):
            if index % 2 == 0:
                text += re.escape(part)
            else:
                shape = shapes.get(part) or self._reader.constraints.get(part, ".+")
                text += f"(?P={part})" if part in seen else f"(?P<{part}>{shape})"
                seen.add(part)
        return re.compile(text)

    def build(self, final: list[str]) -> Graph:
        """The graph behind some files."""
        ends: dict[Key, list[str]] = {}
        for file in final:
            maker = self._find_maker(file)
            if maker:
                ends.setdefault(maker, []).append(file)
        return Graph(self._jobs, ends, frozenset(self._reader.local))

    def _find_maker(self, file: str) -> Key | None:
        """The job that makes a file, and all before it; none for a file that is given."""
        if file not in self._makers:
            self._makers[file] = None
            found = self._match(file)
            if found:
                self._add(*found)
        return self._makers[file]

    def _match(self, file: str) -> tuple[Rule, dict[str, str]] | None:
        if file in self._fixed:
            return self._fixed[file], {}
        matches = ((rule, pattern.fullmatch(file)) for pattern, rule in self._patterns)
        return next(((rule, match.groupdict()) for rule, match in matches if match), None)

    def _add(self, rule: Rule, wildcards: dict[str, str]) -> None:
        name = ".".join(wildcards.values())
        outputs = [output.format(**wildcards) for output in rule.outputs]
        job = Job(rule.name, name, outputs, rule.inputs(wildcards))
        self._makers |= dict.fromkeys(job.outputs, (rule.name, name))
        for file in job.inputs:
            maker = self._find_maker(file)
            if maker:
                job.before.setdefault(maker, []).append(file)
        self._jobs[rule.name, name] = job


def _split(body: list[str]) -> dict[str, list[str]]:
    """Lines of those fields of a rule that count here."""
    fields: dict[str, list[str]] = {}
    name = ""
    for line in body:
        start = FIELD.match(line)
        if start:
            name = start[1]
        elif name in READ:
            fields.setdefault(name, []).append(line)
    return fields


def expand(pattern: str, **values: Any) -> list[str]:
    """A pattern with all combinations of some values filled in, as Snakemake's `expand`."""
    lists = [[value] if isinstance(value, str) else list(value) for value in values.values()]
    return [pattern.format(**dict(zip(values, one))) for one in itertools.product(*lists)]
