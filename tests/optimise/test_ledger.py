from dataclasses import replace

import numpy as np
import pytest

from coatline.errors import InputError
from coatline.optimise.box import Box
from coatline.optimise.ledger import COLUMNS, find_history, place_recipe, read_ledger
from coatline.optimise.loop import mix_seed, propose_round
from coatline.optimise.objective import hash_aims
from coatline.optimise.rounds import Samples, propose_batch
from tests.optimise.stand_in import BOX, make_objective

OBJECTIVE = make_objective()
AIMS = OBJECTIVE.aims


def make_samples(count, extra=()):
    recipes = np.vstack([BOX.spread(count, 0), *([extra] if len(extra) else [])])
    return Samples(recipes, OBJECTIVE.predict_properties(recipes))


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "optimise" / "proposals.csv"


def test_what_was_proposed_is_kept(ledger):
    first = propose_round(ledger, 1, 3, make_samples(8), AIMS, BOX, seed=1)
    text = ledger.read_bytes()
    assert [(one.round, one.number) for one in first] == [(1, 1), (1, 2), (1, 3)]
    assert {one.data for one in first} == {make_samples(8).hash()}
    # Neither another seed nor a larger design changes the round, nor touches the file.
    before = ledger.stat().st_mtime_ns
    assert propose_round(ledger, 1, 3, make_samples(30), AIMS, BOX, seed=9) == first
    assert ledger.read_bytes() == text and ledger.stat().st_mtime_ns == before
    assert propose_round(ledger, 1, 2, make_samples(8), AIMS, BOX) == first[:2]
    # Another round is appended.
    samples = make_samples(12, [one.recipe for one in first])
    second = propose_round(ledger, 2, 3, samples, AIMS, BOX, seed=1)
    assert ledger.read_bytes().startswith(text) and len(ledger.read_bytes()) > len(text)
    assert {one.data for one in second} == {samples.hash()} != {first[0].data}
    assert propose_round(ledger, 1, 3, samples, AIMS, BOX) == first
    assert read_ledger(ledger) == first + second
    assert not {one.recipe for one in first} & {one.recipe for one in second}


def test_a_round_is_filled_up_at_the_end_of_the_file(ledger):
    first = propose_round(ledger, 1, 2, make_samples(8), AIMS, BOX)
    second = propose_round(ledger, 2, 1, make_samples(9), AIMS, BOX)
    text = ledger.read_text()
    grown = propose_round(ledger, 1, 3, make_samples(10), AIMS, BOX)
    assert grown[:2] == first and grown[2].number == 3
    assert grown[2].data == make_samples(10).hash() != first[0].data
    assert ledger.read_text().startswith(text)
    assert read_ledger(ledger) == (*grown, *second)


def test_numbers_read_back_exactly_and_the_same_from_scratch(ledger, tmp_path):
    proposed = propose_round(ledger, 1, 3, make_samples(8), AIMS, BOX, seed=1)
    assert read_ledger(ledger) == proposed
    other = tmp_path / "other.csv"
    assert propose_round(other, 1, 3, make_samples(8), AIMS, BOX, seed=1) == proposed
    assert other.read_bytes() == ledger.read_bytes()
    header = ledger.read_text().splitlines()[0]
    assert header == ",".join(COLUMNS)
    for one in proposed:
        assert BOX.contains(one.recipe) and one.recipe == BOX.round(np.array(one.recipe))
        assert 0 <= one.expected <= 1 and one.deviation > 0


def test_proposals_on_their_way_are_not_proposed_again(ledger):
    # Round 2 from the data of round 1: its recipes are pending, so it asks for others.
    first = propose_round(ledger, 1, 4, make_samples(8), AIMS, BOX)
    second = propose_round(ledger, 2, 4, make_samples(8), AIMS, BOX)
    ways = BOX.to_unit([one.recipe for one in first])
    others = BOX.to_unit([one.recipe for one in second])
    assert np.linalg.norm(ways[:, None] - others, axis=-1).min() > 1e-3
    # Without them it would ask otherwise.
    others = propose_batch(make_samples(8), AIMS, BOX, 4, seed=mix_seed(0, 2, 0))
    assert [recipe for recipe, _, _ in others] != [one.recipe for one in second]
    pending = [one.recipe for one in first]
    same = propose_batch(make_samples(8), AIMS, BOX, 4, pending, mix_seed(0, 2, 0))
    assert [(one.recipe, one.expected, one.deviation) for one in second] == same


def test_all_three_inputs_are_kept_whichever_vary(ledger):
    box = Box(BOX.edges[::2], BOX.names[::2])
    recipes = box.spread(8, 0)
    whole = np.insert(recipes, 1, 60.0, axis=1)
    samples = Samples(recipes, OBJECTIVE.predict_properties(whole))
    fixed = {"solid_content": 60.0}
    first = propose_round(ledger, 1, 2, samples, AIMS, box, fixed)
    assert all(len(one.recipe) == 3 and one.recipe[1] == 60.0 for one in first)
    assert ledger.read_text().splitlines()[0] == ",".join(COLUMNS)
    # Read again whatever varies, and its recipes pend in the box of that time.
    assert read_ledger(ledger) == first
    second = propose_round(ledger, 2, 2, make_samples(8), AIMS, BOX)
    assert not {one.recipe for one in first} & {one.recipe for one in second}


def test_aims_are_kept(ledger):
    (one,) = propose_round(ledger, 1, 1, make_samples(8), AIMS, BOX)
    heavy = make_objective(weights={"density": 2.0}).aims
    (two,) = propose_round(ledger, 2, 1, make_samples(8), heavy, BOX)
    assert one.aims == hash_aims(AIMS) == hash_aims(AIMS[::-1]) != two.aims == hash_aims(heavy)
    # Ratios of weights count, and properties without weight do not.
    assert hash_aims(replace(aim, weight=3.0) for aim in AIMS) == one.aims
    weights = {name: float(name == "density") for name in OBJECTIVE.names}
    lone = make_objective(weights=weights).aims
    assert hash_aims(lone) == hash_aims([aim for aim in lone if aim.weight > 0])
    wider = [replace(AIMS[0], high=2 * AIMS[0].high), *AIMS[1:]]
    other = [replace(AIMS[0], goal="minimise"), *AIMS[1:]]
    assert len({hash_aims(AIMS), hash_aims(wider), hash_aims(other)}) == 3


def write_recipes(ledger, round, *numbers):
    for number in numbers:
        path = place_recipe(ledger, round, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")


def test_rounds_of_the_past(ledger):
    ledger.parent.mkdir()
    assert find_history(ledger, [1, 2], 2) == {}
    ledger.write_text(HEAD + "".join(LINE.format(1, k) for k in (1, 2, 3)) + LINE.format(2, 1))
    # In the ledger alone: its recipes are not in files yet, or not all of them.
    assert find_history(ledger, [1, 2], 4) == {}
    write_recipes(ledger, 1, 1, 2)
    assert find_history(ledger, [1, 2], 4) == {}
    assert find_history(ledger, [1, 2], 2) == {1: 2}
    write_recipes(ledger, 1, 3)
    write_recipes(ledger, 2, 1)
    assert find_history(ledger, [1, 2, 3], 2) == {1: 3, 2: 1}
    assert find_history(ledger, [1], 9) == {1: 3}


def test_recipes_without_a_ledger_are_refused(ledger):
    write_recipes(ledger, 1, 1)
    with pytest.raises(InputError, match="has no proposal 1 of round 1, but its recipe is there"):
        find_history(ledger, [1], 1)
    ledger.write_text(HEAD + LINE.format(1, 1))
    write_recipes(ledger, 1, 2)
    with pytest.raises(
        InputError, match=r"no proposal 2 .* restore the ledger, or remove .*round1"
    ):
        find_history(ledger, [1], 1)


@pytest.mark.parametrize(
    ("round", "size", "message"),
    [
        (0, 3, "must be at least 1, got 0 and 3"),
        (1, 0, "must be at least 1, got 1 and 0"),
        (2, 3, "round 2 cannot be made before round 1"),
    ],
)
def test_rounds_that_cannot_be_made(ledger, round, size, message):
    with pytest.raises(ValueError, match=message):
        propose_round(ledger, round, size, make_samples(8), AIMS, BOX)
    assert not ledger.exists()


HEAD = (
    "round,number,active_material (%),solid_content (%),compression_rate (%),"
    "expected,deviation,data,aims\n"
)
LINE = "{},{},90.0,60.0,20.0,0.2,0.01,0123456789abcdef,fedcba9876543210\n"


def test_reads_a_ledger_by_hand(tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_text(HEAD + LINE.format(1, 1) + LINE.format(2, 1) + LINE.format(1, 2))
    found = [(one.round, one.number) for one in read_ledger(path)]
    assert found == [(1, 1), (1, 2), (2, 1)]
    assert read_ledger(path)[0].recipe == (90.0, 60.0, 20.0)
    assert read_ledger(tmp_path / "none.csv") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no ledger with columns round,number,active_material"),
        (HEAD.replace("solid_content", "sc"), "is no ledger with columns"),
        (HEAD + LINE.format(1, 1) + LINE.format(1, 1), "line 3: proposal 1 of round 1 stands"),
        (HEAD + LINE.format(1, 2), "line 2: what comes before proposal 2 of round 1 is missing"),
        (HEAD + LINE.format(2, 1), "line 2: what comes before proposal 1 of round 2 is missing"),
        (HEAD + LINE.format(1, "x"), "line 2: is no proposal"),
        (HEAD + LINE.format(0, 1), "line 2: is no proposal"),
        (HEAD + LINE.format(1, 1).replace("60.0", "nan"), "line 2: is no proposal"),
        (HEAD + LINE.format(1, 1).replace("60.0,", ""), "line 2: is no proposal"),
        (HEAD + LINE.format(1, 1).replace("9abcdef", ""), "line 2: is no proposal"),
        (HEAD + LINE.format(1, 1).replace(",fedcba9876543210", ""), "line 2: is no proposal"),
        (HEAD + LINE.format(1, 1)[:-1], "line 2: is cut off"),
    ],
)
def test_a_damaged_ledger_is_refused_and_left_alone(tmp_path, text, message):
    path = tmp_path / "ledger.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        propose_round(path, 1, 1, make_samples(8), AIMS, BOX)
    assert str(path) in str(error.value) and path.read_text() == text
