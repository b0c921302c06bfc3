"""Fingerprint of the physics that a rule depends on, for its `params`.

Snakemake does not look into the modules that a script imports. A rule therefore carries a hash of
the code that it depends on: of the functions, classes and constants of coatline that its script
uses, directly or through others, and of its LAMMPS decks. Comments, docstrings and blank space do
not count; a formula does, and it counts for just those rules that use it.

Code is read, not run. A name that a function mentions counts as used; what a module does on import
counts for all who use any of it; `from coatline.x import y` of a module y counts all of y.
"""

import ast
import builtins
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from coatline.design.write import replace_file

ROOT = Path(__file__).resolve().parents[1]
"""Folder of the package."""

PACKAGE = "coatline"
WHOLE = "*"
"""Stands for all that a module defines."""

_FORMAT = 2
_ON_IMPORT = ""
_METADATA = {"__version__", "__author__", "__all__"}
_DYNAMIC = {"globals", "locals", "vars", "eval", "exec"}

Name = tuple[str, str]
Unit = dict[str, Any]
"""A definition: `digest` of its syntax tree, `names` it mentions, `imports` within it."""


class Fingerprints:
    """Hashes of modules, decks and scripts; each file is read once.

    Args:
        store: file in which digests are remembered by the hash of their source; none keeps
            nothing.
        root: folder of the package.
    """

    def __init__(self, store: Path | None = None, root: Path = ROOT) -> None:
        self._store = store
        self._root = root
        self._known = _read_known(store)
        self._fresh = False
        self._modules: dict[str, dict[str, Unit] | None] = {}
        self._decks: dict[Path, str] = {}

    def hash_physics(
        self, *modules: str, decks: Iterable[Path] = (), script: Path | None = None
    ) -> str:
        """Hash what a rule depends on.

        Args:
            modules: coatline modules, `coatline.x.y` for all of one, `coatline.x.y:name` for one
                definition and what it uses.
            decks: LAMMPS decks; decks that they include by `${decks}/` count as well.
            script: script of the rule; all of it counts, and what it uses.

        Returns:
            16 hexadecimal digits.

        Raises:
            FileNotFoundError: there is no such module, deck or script.
        """
        parts = []
        wanted = [_split(module) for module in modules]
        if script is not None:
            units = self._read_units(Path(script), f"{PACKAGE}.script", False)
            parts += [f"script {key} {unit['digest']}" for key, unit in sorted(units.items())]
            wanted += [self._resolve_import(*one) for u in units.values() for one in u["imports"]]
        for name in sorted(self.find_closure(*wanted)):
            parts.append(f"{name[0]}:{name[1]} {self._modules[name[0]][name[1]]['digest']}")
        found: dict[Path, None] = {}
        for deck in decks:
            self._follow_deck(Path(deck), found)
        parts += [f"{deck.name} {self._decks[deck]}" for deck in sorted(found)]
        self._remember()
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    def find_closure(self, *wanted: Name) -> set[Name]:
        """Find all definitions that some definitions use, directly or not, and themselves.

        Args:
            wanted: pairs of module and name; `WHOLE` for all of a module.

        Raises:
            FileNotFoundError: there is no such module.
        """
        waiting, closure, seen = list(wanted), set(), set()
        while waiting:
            module, name = waiting.pop()
            if (module, name) in seen:
                continue
            seen.add((module, name))
            units = self._read_module(module)
            if units is None:
                raise FileNotFoundError(f"no module {module} in {self._root}")
            parent = module.rpartition(".")[0]
            waiting += [(module, _ON_IMPORT)] + ([(parent, _ON_IMPORT)] if parent else [])
            if name == WHOLE:
                waiting += [(module, each) for each in units]
                continue
            if name not in units:
                waiting += self._follow_import(module, name, units)
                continue
            unit = units[name]
            closure.add((module, name))
            waiting += [(module, each) for each in unit["names"] if self._is_known(each, units)]
            waiting += [self._resolve_import(*one) for one in unit["imports"]]
        return closure

    def _is_known(self, name: str, units: dict[str, Unit]) -> bool:
        return name in units or name == WHOLE or name in units[_ON_IMPORT]["bound"]

    def _follow_import(self, module: str, name: str, units: dict[str, Unit]) -> list[Name]:
        """Follow a name that a module has from another one, or that is a module of its own."""
        bound = units[_ON_IMPORT]["bound"].get(name)
        if bound is not None:
            return [self._resolve_import(*bound)]
        if self._locate(f"{module}.{name}"):
            return [(f"{module}.{name}", WHOLE)]
        return [(module, WHOLE)]

    def _resolve_import(self, module: str, name: str) -> Name:
        """Tell whether an imported name is a module or is defined in one."""
        if name != WHOLE and self._locate(f"{module}.{name}"):
            return f"{module}.{name}", WHOLE
        return module, name

    def _locate(self, module: str) -> Path | None:
        path = self._root.joinpath(*module.split(".")[1:])
        if module != PACKAGE and path.with_suffix(".py").is_file():
            return path.with_suffix(".py")
        return path / "__init__.py" if (path / "__init__.py").is_file() else None

    def _read_module(self, module: str) -> dict[str, Unit] | None:
        if module not in self._modules:
            path = self._locate(module)
            package = path is not None and path.stem == "__init__"
            self._modules[module] = self._read_units(path, module, package) if path else None
        return self._modules[module]

    def _read_units(self, path: Path, module: str, package: bool) -> dict[str, Unit]:
        source = path.read_bytes()
        key = hashlib.sha256(f"{module} {package} ".encode() + source).hexdigest()
        if key not in self._known:
            self._known[key] = _take_apart(ast.parse(source, str(path)), module, package)
            self._fresh = True
        return self._known[key]

    def _follow_deck(self, deck: Path, found: dict[Path, None]) -> None:
        if deck in found:
            return
        found[deck] = None
        text = strip_deck(deck.read_text(encoding="utf-8"))
        self._decks[deck] = hashlib.sha256(text.encode()).hexdigest()
        for name in re.findall(r"\$\{decks\}/([\w.-]+\.lmp)", text):
            self._follow_deck(deck.parent / name, found)

    def _remember(self) -> None:
        if self._store is None or not self._fresh:
            return
        self._fresh = False
        try:
            replace_file(self._store, json.dumps({"format": _FORMAT, "files": self._known}))
        except OSError:
            self._store = None


@cache
def _share(store: Path | None) -> Fingerprints:
    return Fingerprints(store)


def physics_hash(
    *modules: str,
    decks: Iterable[Path] = (),
    script: Path | None = None,
    store: Path | None = None,
) -> str:
    """Hash what a rule depends on; see `Fingerprints.hash_physics`."""
    return _share(store).hash_physics(*modules, decks=decks, script=script)


def strip_deck(text: str) -> str:
    """Reduce a LAMMPS deck to what LAMMPS acts on: no comments, no spare blanks, no empty lines.

    A `#` within quotes is text; a line ending in `&` goes on in the next one.
    """
    lines = []
    for line in re.sub(r"[ \t]*&[ \t]*\n", " ", _drop_comments(text)).splitlines():
        words = re.findall(r"\"[^\"]*\"|'[^']*'|[^\s\"']+", line)
        if words:
            lines.append(" ".join(words))
    return "\n".join(lines)


def _drop_comments(text: str) -> str:
    kept = []
    for line in text.splitlines():
        quote, end = "", len(line)
        for index, letter in enumerate(line):
            if quote:
                quote = "" if letter == quote else quote
            elif letter in "\"'":
                quote = letter
            elif letter == "#":
                end = index
                break
        kept.append(line[:end].rstrip())
    return "\n".join(kept) + "\n"


def _split(module: str) -> Name:
    name, _, one = module.partition(":")
    return name, one or WHOLE


def _read_known(path: Path | None) -> dict[str, dict[str, Unit]]:
    if path is None:
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return dict(stored["files"]) if stored["format"] == _FORMAT else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _take_apart(tree: ast.Module, module: str, package: bool) -> dict[str, Unit]:
    """Take a module apart into its definitions, and what it does on import (name "")."""
    parents = module.split(".") if package else module.split(".")[:-1]
    pieces: dict[str, list[ast.stmt]] = {_ON_IMPORT: []}
    bound: dict[str, list[str]] = {}
    for statement in tree.body:
        if _is_idle(statement):
            continue
        if isinstance(statement, ast.Import | ast.ImportFrom):
            bound |= {name: [*one] for name, one in _list_imports(statement, parents)}
            continue
        names = _list_defined(statement)
        for name in names or [_ON_IMPORT]:
            pieces.setdefault(name, []).append(statement)
    units = {name: _describe(statements, parents) for name, statements in pieces.items()}
    units[_ON_IMPORT]["bound"] = bound
    return units


def _describe(statements: list[ast.stmt], parents: list[str]) -> Unit:
    names: set[str] = set()
    imports: set[Name] = set()
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, ast.Name):
            names.add(WHOLE if node.id in _DYNAMIC else node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.isidentifier():  # a quoted type, or a name to look up
                names.add(node.value)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports |= {one for _, one in _list_imports(node, parents)}
    text = "".join(_serialise(statements))
    return {
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "names": sorted(names - set(dir(builtins))),
        "imports": sorted([*one] for one in imports),
    }


def _list_defined(statement: ast.stmt) -> list[str]:
    """Names that a statement defines, if that is all it does."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign):
        names: list[str] = []
        for target in statement.targets:
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            if not all(isinstance(part, ast.Name) for part in parts):
                return []
            names += [part.id for part in parts]
        return names
    return []


def _list_imports(node: ast.Import | ast.ImportFrom, parents: list[str]) -> list[tuple[str, Name]]:
    """Bound name, and module and name that it stands for; of coatline alone."""
    if isinstance(node, ast.Import):
        found = [
            (alias.asname or alias.name.split(".")[0], (alias.name, WHOLE)) for alias in node.names
        ]
    else:
        base = parents[: len(parents) - (node.level - 1)] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        found = [(alias.asname or alias.name, (module, alias.name)) for alias in node.names]
    return [(name, one) for name, one in found if one[0].split(".")[0] == PACKAGE]


def _is_idle(node: ast.stmt) -> bool:
    """Tell statements that do nothing: docstrings, and a module's data about itself."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        return bool(names) and set(names) <= _METADATA
    return False


def _serialise(node: object) -> Iterator[str]:
    """Write a syntax tree as text, without places, and alike in all versions of Python."""
    if isinstance(node, ast.Constant):
        yield f"={type(node.value).__name__} {node.value!r};"
    elif isinstance(node, ast.AST):
        yield f"({type(node).__name__}"
        for name, value in ast.iter_fields(node):
            if value is None or value == [] or name in ("ctx", "type_comment"):
                continue
            yield f" {name}:"
            yield from _serialise(value)
        yield ")"
    elif isinstance(node, list):
        yield "["
        for one in node:
            if not (isinstance(one, ast.stmt) and _is_idle(one)):
                yield from _serialise(one)
        yield "]"
    else:
        yield f"={node!r};"
