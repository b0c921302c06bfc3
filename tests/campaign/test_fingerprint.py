"""The hash of the physics: formulas count, words do not."""

from pathlib import Path

import pytest

from coatline.campaign.fingerprint import WHOLE, Fingerprints, strip_deck

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
DECKS = ROOT / "workflow" / "lammps"

FILES = {
    "__init__.py": '"""Package."""\n__version__ = "1.0"\n',
    "press/__init__.py": "",
    "press/work.py": '''"""Work."""

import math

from coatline.press import units
from coatline.press.law import push as shove

SPEED = 0.3


def press(height: float) -> float:
    """Press.

    More words.
    """
    # a comment
    return shove(height) * SPEED


def lazy() -> float:
    from coatline.press.late import LATER

    return LATER


def release(height: float) -> float:
    return height + math.pi + units.MICRO


class Plane:
    """A plane."""

    height: float = 1.0
''',
    "press/law.py": "FACTOR = 2.0\nOTHER = 3.0\n\n\ndef push(x):\n    return x * FACTOR\n",
    "press/late.py": "LATER = 1\n",
    "press/units.py": "MICRO = 1e-6\n",
    "plot.py": "COLOUR = 'red'\n",
}
SCRIPT = '"""Script."""\nfrom coatline.press.work import press\n\npress(1.0)\n'
DECK = "# title\nunits   micro\ninclude ${decks}/film.lmp\nrun 100  # steps\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "coatline" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "press.lmp").write_text(DECK)
    (tmp_path / "film.lmp").write_text("timestep 0.01\n")
    return tmp_path


def hash_all(folder: Path, module: str = "coatline.press.work:press", **more) -> str:
    fingerprints = Fingerprints(folder / "store.json", root=folder / "coatline")
    return fingerprints.hash_physics(
        module, decks=[folder / "press.lmp"], script=folder / "script.py", **more
    )


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


SAME = {
    "docstring": ("coatline/press/work.py", "More words.", "Other words."),
    "no docstring": ("coatline/press/work.py", '"""Work."""\n', ""),
    "comment": ("coatline/press/work.py", "# a comment", "# another\n    # comment"),
    "blank lines": ("coatline/press/work.py", "SPEED = 0.3\n", "\n\nSPEED   =   0.3\n\n\n"),
    "line breaks": (
        "coatline/press/work.py",
        "shove(height) * SPEED",
        "(\n  shove(height)\n * SPEED)",
    ),
    "version": ("coatline/__init__.py", '"1.0"', '"1.1"'),
    "what the rule does not use": ("coatline/press/work.py", "height + math.pi", "height"),
    "what its imports do not use": ("coatline/press/law.py", "OTHER = 3.0", "OTHER = 4.0"),
    "a plot": ("coatline/plot.py", "red", "blue"),
    "comment in a deck": ("press.lmp", "# steps", "# many steps"),
    "blanks in a deck": ("press.lmp", "units   micro\n", "units micro\n\n\n"),
    "comment in an included deck": ("film.lmp", "0.01", "0.01 # µs"),
    "comment in the script": ("script.py", "press(1.0)", "# go\npress(1.0)"),
}
OTHER = {
    "formula": ("coatline/press/work.py", "* SPEED", "/ SPEED"),
    "constant": ("coatline/press/work.py", "SPEED = 0.3", "SPEED = 0.4"),
    "type of a constant": ("coatline/press/law.py", "FACTOR = 2.0", "FACTOR = 2"),
    "imported constant": ("coatline/press/law.py", "FACTOR = 2.0", "FACTOR = 2.5"),
    "imported formula": ("coatline/press/law.py", "return x * FACTOR", "return x + FACTOR"),
    "what a module does on import": (
        "coatline/press/law.py",
        "FACTOR = 2.0",
        "FACTOR = 2.0\nprint()",
    ),
    "what its package does on import": ("coatline/press/__init__.py", "", "print()\n"),
    "number in a deck": ("press.lmp", "run 100", "run 200"),
    "number in an included deck": ("film.lmp", "0.01", "0.02"),
    "script": ("script.py", "press(1.0)", "press(2.0)"),
}


@pytest.mark.parametrize("case", SAME)
def test_words_do_not_count(folder, case):
    before = hash_all(folder)
    edit(folder, *SAME[case])
    assert hash_all(folder) == before


@pytest.mark.parametrize("case", OTHER)
def test_formulas_count(folder, case):
    before = hash_all(folder)
    edit(folder, *OTHER[case])
    assert hash_all(folder) != before


def test_imports_within_functions_count(folder):
    before = hash_all(folder, "coatline.press.work:lazy")
    edit(folder, "coatline/press/late.py", "LATER = 1", "LATER = 2")
    assert hash_all(folder, "coatline.press.work:lazy") != before


def test_imported_module_counts(folder):
    before = hash_all(folder, "coatline.press.work:release")
    edit(folder, "coatline/press/units.py", "1e-6", "1e-3")
    assert hash_all(folder, "coatline.press.work:release") != before


def test_whole_module(folder):
    before = hash_all(folder, "coatline.press.work")
    edit(folder, "coatline/press/work.py", "height: float = 1.0", "height: float = 2.0")
    assert hash_all(folder, "coatline.press.work") != before


def test_hash_is_the_same_with_and_without_what_is_remembered(folder):
    first = hash_all(folder)
    assert hash_all(folder) == first
    (folder / "store.json").write_text("{")
    assert hash_all(folder) == first
    (folder / "store.json").unlink()
    assert hash_all(folder) == first


def test_missing_module_is_an_error(folder):
    with pytest.raises(FileNotFoundError, match=r"coatline\.press\.nothing"):
        hash_all(folder, "coatline.press.nothing")


def test_plots_are_no_part_of_manufacturing():
    fingerprints = Fingerprints()
    closure = fingerprints.find_closure(("coatline.manufacture.stages", WHOLE))
    modules = {module for module, _ in closure}
    assert "coatline.manufacture.recipe" in modules
    assert not any(module.startswith("coatline.report") for module in modules)
    assert not any(module.startswith("coatline.measure") for module in modules)
    assert not any(module.startswith("coatline.campaign") for module in modules)


@pytest.mark.parametrize("name", ["slurry", "dry", "press", "calender", "measure", "gather"])
def test_each_script_leads_to_the_work_it_does(name):
    """The closure of a script holds the function it calls: no rule goes without physics."""
    fingerprints = Fingerprints()
    text = (SCRIPTS / f"{name}.py").read_text(encoding="utf-8")
    module, function = next(
        (words[1], words[3])
        for words in (line.split() for line in text.splitlines())
        if words[:1] == ["from"]
        and words[1].startswith(("coatline.manufacture", "coatline.measure"))
    )
    closure = fingerprints.find_closure((module, function))
    assert (module, function) in closure and len(closure) > 5


@pytest.mark.parametrize("stage", ["slurry", "dry", "press", "calender"])
def test_decks_follow_their_includes(stage):
    fingerprints = Fingerprints()
    fingerprints.hash_physics(decks=[DECKS / f"{stage}.lmp"])
    reached = {deck.name for deck in fingerprints._decks}
    assert reached >= {f"{stage}.lmp", "film.lmp", "drag.lmp", "segment.lmp"}
    assert ("release.lmp" in reached) == (stage in ("dry", "calender"))


def test_strip_deck():
    text = 'print "a # b"  # c\n\n  fix 1 all   nve &\n    extra\n#x\n'
    assert strip_deck(text) == 'print "a # b"\nfix 1 all nve extra'
