"""The explorer of the page in a real browser: it predicts what Python predicts."""

import json

import numpy as np
import pytest
from PIL import Image

from coatline.measure.dataset import INPUTS
from coatline.optimise.films import REACH
from coatline.report.gathered import read_best, read_electrodes, read_json
from coatline.report.sheets import make_predictor
from tests.report.browser import CHROMIUM, DRIVER, start_browser
from tests.report.files import write_report

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="there is no chromium with chromedriver; make browser installs both on Debian",
)

RIGHT = "\ue014"


@pytest.fixture(scope="module")
def browser(whole):
    page = write_report(whole)
    with start_browser() as one:
        one.resize(1200, 900)
        one.open(page)
        yield one


@pytest.fixture(scope="module")
def predictor(whole):
    optimum = read_json(whole / "optimise/optimum.json")
    return make_predictor(read_json(whole / "learn/surrogates.json"), optimum)


def slide(browser, recipe):
    """Move the sliders as a hand does, and read what the page shows."""
    return browser.run(
        """
        const names = arguments[0], values = arguments[1];
        names.forEach((name, index) => {
          const slider = document.getElementById("slide-" + name);
          slider.value = values[index];
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        });
        const shown = {};
        document.querySelectorAll('[id^="value-"]').forEach((cell) => {
          shown[cell.id.slice(6)] = [Number(cell.dataset.value), cell.textContent];
        });
        shown.objective = [Number(document.getElementById("objective").dataset.value), ""];
        return shown;
        """,
        list(INPUTS),
        list(recipe),
    )


def test_numbers_are_those_of_python(browser, predictor):
    corners = [[85, 55, 2], [97, 72, 37], [85.5, 71.25, 36.5], [90.4, 58.2, 28.4]]
    for recipe in corners:
        shown = slide(browser, recipe)
        expected = predictor.predict(recipe)
        assert set(shown) == {*expected, "objective"} and len(expected) == 4
        for name, value in expected.items():
            assert shown[name][0] == pytest.approx(value, rel=1e-6)
            assert float(shown[name][1].split()[0]) == pytest.approx(value, rel=6e-3)
        assert shown["objective"][0] == pytest.approx(predictor.score(expected), rel=1e-6)


def test_error_bars_are_those_of_the_formulas(browser, whole):
    surrogates = read_json(whole / "learn/surrogates.json")["properties"]
    shown = slide(browser, [90, 60, 20])
    intervals = browser.run(
        "const data = JSON.parse(document.getElementById('coatline-data').textContent);"
        "const values = coatline.predict(coatline.recipe);"
        "return data.properties.map((one, k) => [one.name, coatline.interval(one, values[k])]);"
    )
    for name, (low, high) in intervals:
        value, error = shown[name][0], surrogates[name]["sisso"]["held_out_error"]
        if surrogates[name]["sisso"]["formula"]["scale"] == "log":
            ends = value * np.exp([-REACH * error, REACH * error])
        else:
            ends = value + np.array([-REACH * error, REACH * error])
        assert [low, high] == pytest.approx(list(ends), rel=1e-6)


def test_sliders_obey_the_keyboard_and_figures_follow(browser):
    slide(browser, [90, 60, 20])
    read = (
        "const find = (id) => document.getElementById(id);"
        "return [find('here').getAttribute('cx'), find('radar').innerHTML,"
        "  find('slide-compression_rate').value];"
    )
    before = browser.run(read)
    browser.press("#slide-compression_rate", RIGHT * 40)
    after = browser.run(read)
    assert float(after[2]) == pytest.approx(float(before[2]) + 0.4, abs=1e-6)
    assert after[0] != before[0] and after[1] != before[1]


def test_a_move_draws_no_point_again(browser):
    """However many electrodes there are."""
    slide(browser, [90, 60, 20])
    browser.run(
        "window.pens = 0; const pen = CanvasRenderingContext2D.prototype;"
        "for (const name of ['arc', 'fillRect']) {"
        "  const own = pen[name];"
        "  pen[name] = function (...all) { pens += 1; own.apply(this, all); };"
        "}"
    )
    slide(browser, [90.1, 60, 20])
    assert browser.run("return pens;") == 3 * 3  # three rings, and three sliders are moved
    nodes = browser.run("return document.querySelectorAll('#plane *').length;")
    assert nodes < 50  # axes, labels and the recipe, but no electrodes
    browser.run(
        "const up = document.getElementById('up'); up.value = 2;"
        "up.dispatchEvent(new Event('change', { bubbles: true }));"
    )
    assert browser.run("return pens;") > 20


def test_a_point_leads_to_its_recipe(browser, whole):
    electrodes = read_electrodes(whole / "dataset.nc")
    slide(browser, [90, 60, 20])
    label = browser.run(
        """
        const { across, up, rows } = coatline.plane.shown[0];
        const box = document.querySelector("#plane svg").getBoundingClientRect();
        const at = { clientX: box.left + across[0] * box.width / 320,
                     clientY: box.top + up[0] * box.height / 256, bubbles: true };
        document.querySelector("#plane svg").dispatchEvent(new MouseEvent("click", at));
        const far = (k) => Math.hypot(across[k] - across[0], up[k] - up[0]);
        return rows.filter((_, k) => far(k) < 0.5).map((one) => one.label);
        """
    )
    recipe = browser.run("return coatline.recipe;")
    own = [electrodes.recipe[electrodes.sample.index(one)] for one in label]
    front = browser.run("return coatline.plane.shown[1].rows.map((one) => one.recipe);")
    assert any(recipe == pytest.approx(list(one), rel=1e-5) for one in [*own, *front])


def test_targets_light_up_recipes_or_say_that_none_does(browser, whole):
    electrodes = read_electrodes(whole / "dataset.nc")
    density = electrodes.values["density"]
    fill = (
        "const field = document.getElementById('least-density'); field.value = arguments[0];"
        "field.dispatchEvent(new Event('input', { bubbles: true }));"
        "const met = document.getElementById('met'); return [met.textContent, met.dataset.count];"
    )
    text, number = browser.run(fill, float(np.median(density)))
    assert 0 < int(number) < 2500 and "recipes meet all targets" in text
    text, number = browser.run(fill, 99.0)
    assert number == "0" and text.startswith("None of")
    assert browser.run(fill, "")[0] == "No target is set."


def test_the_nearest_electrode_is_found(browser, whole):
    electrodes = read_electrodes(whole / "dataset.nc")
    for row in (0, len(electrodes.sample) - 1):
        slide(browser, electrodes.recipe[row])
        found = browser.run("return document.getElementById('near').dataset.sample;")
        assert found == electrodes.sample[row]
        shown = browser.run("return !document.getElementById('picture').hidden;")
        assert shown == (found == "y00c0")


def test_the_optimum_is_a_button_away(browser, whole):
    slide(browser, [90, 60, 20])
    browser.run("document.querySelector('#places button').click();")
    best = read_best(whole / "optimise/optimum.json")
    assert browser.run("return coatline.recipe;") == pytest.approx(best.recipe, rel=1e-5)


def test_the_structure_turns_and_is_cut(browser):
    read = (
        "const view = document.getElementById('view');"
        "const all = view.getContext('2d').getImageData(0, 0, view.width, view.height).data;"
        "return all.reduce((sum, one) => (sum * 31 + one) % 1000003, 0);"
    )
    whole = browser.run(read)
    browser.press("#view", RIGHT)
    turned = browser.run(read)
    browser.run(
        "const cut = document.getElementById('cut'); cut.value = 70;"
        "cut.dispatchEvent(new Event('input'));"
    )
    assert len({whole, turned, browser.run(read)}) == 3


def test_it_fits_a_phone_and_the_console_is_silent(browser, tmp_path):
    for width, height in ((1200, 900), (390, 800)):
        browser.resize(width, height)
        browser.run("document.getElementById('explorer').scrollIntoView();")
        over = browser.run(
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth;"
        )
        assert over <= 0
        browser.shoot(tmp_path / f"{width}.png")
        colours = Image.open(tmp_path / f"{width}.png").convert("RGB").getcolors(1 << 24)
        assert len(colours) > 50
    assert browser.messages() == []
    data = json.loads(browser.run("return document.getElementById('coatline-data').textContent;"))
    assert {one["name"] for one in data["inputs"]} == set(INPUTS)
