"""Pictures of films: areas, periodicity and cuts by geometry, same bytes, and clear refusals."""

import argparse
import math

import numpy as np
import pytest

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, Particles, write_state
from coatline.report.commands import COMMANDS, add_picture, run_picture
from coatline.report.render import draw_films, find_top, render_film, save_picture
from coatline.report.view import COLLECTOR, NOTHING, look_at

SIDE = 20.0


def film(*spheres: tuple[float, float, float, float, int]) -> Particles:
    """Spheres x, y, z, diameter, phase in a box of 20 µm."""
    table = np.array(spheres, dtype=float).reshape(-1, 5)
    return Particles(table[:, :3], table[:, 3], table[:, 4].astype(np.uint8), (SIDE, SIDE))


def heap(count: int = 40, seed: int = 3) -> Particles:
    draw = np.random.default_rng(seed)
    diameter = draw.uniform(2, 8, count)
    position = draw.uniform(0, SIDE, (count, 3))
    position[:, 2] = diameter / 2 + draw.uniform(0, 12, count)
    return Particles(
        position, diameter, draw.choice([CBD, AM], count).astype(np.uint8), (SIDE,) * 2
    )


@pytest.mark.parametrize(("azimuth", "elevation"), [(35, 22), (0, 0), (200, 60), (90, -20)])
def test_a_sphere_covers_pi_r_squared(azimuth, elevation):
    view = look_at(film((10, 10, 10, 10, AM)), 20, 0.05, azimuth, elevation)
    hit = view.owner == 0
    assert hit.sum() * view.pixel**2 == pytest.approx(math.pi * 25, rel=0.01)
    distance = np.linalg.norm(view.point[hit] - 10, axis=1)
    assert distance == pytest.approx(5, abs=1e-9)
    assert not view.cut[hit].any()


def test_a_sphere_over_the_edge_comes_back_on_the_other_side():
    """From straight ahead of the face x = side: a half disc at either end, nothing between."""
    view = look_at(film((10, 1, 10, 8, AM)), 20, 0.05, 0, 0)
    y = view.point[..., 1]
    near, far = (view.owner == 0) & (y < SIDE / 2), (view.owner == 0) & (y > SIDE / 2)
    # Circular segments of a disc of radius 4 that is cut 1 µm from its middle.
    lost = 16 * math.acos(1 / 4) - math.sqrt(15)
    assert near.sum() * view.pixel**2 == pytest.approx(16 * math.pi - lost, rel=0.01)
    assert far.sum() * view.pixel**2 == pytest.approx(lost, rel=0.02)
    assert y[near].max() == pytest.approx(5, abs=0.1)
    assert y[far].min() == pytest.approx(17, abs=0.1)


def test_a_cut_is_a_flat_disc_in_the_face_of_the_box():
    view = look_at(film((SIDE - 1, 10, 10, 8, AM)), 20, 0.05, 0, 0)
    cut = view.cut & (view.owner == 0)
    assert cut.sum() * view.pixel**2 == pytest.approx(math.pi * 15, rel=0.01)
    assert view.point[cut][:, 0] == pytest.approx(SIDE, abs=1e-9)


def test_the_block_is_cut_at_its_height():
    view = look_at(film((10, 10, 10, 10, AM)), 12, 0.05, 0, 80)
    cut = view.cut & (view.owner == 0)
    assert view.point[cut][:, 2] == pytest.approx(12, abs=1e-9)
    seen = math.pi * (25 - 4) * math.sin(math.radians(80))
    assert cut.sum() * view.pixel**2 == pytest.approx(seen, rel=0.01)


def test_active_material_lies_over_binder_in_a_cut_whatever_their_order():
    pair = [(SIDE, 10, 10, 8, CBD), (SIDE, 10, 10, 4, AM)]
    for spheres in (pair, pair[::-1]):
        particles = film(*spheres)
        view = look_at(particles, 20, 0.05, 0, 0)
        active = view.owner == int(np.flatnonzero(particles.phase == AM)[0])
        assert active.sum() * view.pixel**2 == pytest.approx(math.pi * 4, rel=0.01)


def test_near_spheres_hide_far_ones_and_the_collector_lies_below():
    view = look_at(film((5, 10, 10, 6, AM), (15, 10, 10, 8, CBD)), 20, 0.1, 0, 0)
    assert set(np.unique(view.owner)) == {1, NOTHING, COLLECTOR}
    assert view.point[view.owner == COLLECTOR][:, 2].max() <= 0


def test_a_picture_is_the_same_bytes_again_and_another_film_is_not():
    first, again = (render_film(heap(), 20, width=150) for _ in range(2))
    assert first.dtype == np.uint8
    assert first.shape[1:] == (150, 3)
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != render_film(heap(seed=4), 20, width=150).tobytes()


def test_colours_tell_the_phases_apart_and_cuts_are_darker():
    def middle(particles):
        picture = render_film(particles, 20, width=200, azimuth=0, elevation=0).astype(int)
        # Rows count from the top; the collector adds 7 % of the side below 20 µm of film.
        return picture[picture.shape[0] * 10 // 21, 100]

    active, binder = (middle(film((10, 10, 10, 10, phase))) for phase in (AM, CBD))
    cut = middle(film((SIDE, 10, 10, 10, AM)))
    assert active[2] > active[0] + 50  # blue
    assert binder[0] > binder[2] + 50  # orange
    assert cut.sum() < 0.95 * active.sum()
    assert render_film(film((10, 10, 10, 4, AM)), 20, width=100)[0, 0].tolist() == [255] * 3


def test_depth_is_darker():
    """The bottom of a deep shaft gets less light than the same collector in the open."""
    walls = [(x, y, z, 4.2, CBD) for x in range(0, 20, 2) for y in range(0, 20, 2)
             for z in (2, 4, 6, 8, 10) if math.hypot(x - 10, y - 10) > 5]  # fmt: skip
    few = film((1, 1, 1, 1, AM))
    looks = {"azimuth": 0, "elevation": 80, "width": 200}
    deep = render_film(film(*walls), 12, **looks).astype(int)
    bare = render_film(few, 12, **looks).astype(int)
    rows = np.ptp(np.nonzero((bare < 250).any(axis=(1, 2)))[0])
    at = deep.shape[0] - rows // 2, 100
    grey = deep[at]
    assert np.ptp(grey) < 10  # the collector, seen down the shaft
    assert grey.mean() < 0.8 * bare[at].mean()


def test_films_share_one_scale_and_one_file_is_the_same_bytes(tmp_path):
    films = [("slurry", heap(), 20.0), ("dried", heap(), 12.0)]
    for name in ("first.png", "second.png"):
        save_picture(draw_films(films, width=900), tmp_path / name)
    data = (tmp_path / "first.png").read_bytes()
    assert data == (tmp_path / "second.png").read_bytes()
    assert int.from_bytes(data[16:20], "big") == 900
    figure = draw_films(films, width=900)
    images = figure.axes[0].get_images()
    assert len(images) == 2
    assert images[0].get_array().shape[1] == images[1].get_array().shape[1]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {"slurry", "dried", "20 µm", "12 µm"} < set(texts)


def test_a_tall_film_does_not_make_the_figure_taller_than_wide():
    figure = draw_films([("tall", film((10, 10, 90, 10, AM)), 95.0)], width=700)
    wide, tall = figure.get_size_inches()
    assert tall < 1.4 * wide


@pytest.mark.parametrize(
    ("particles", "height", "options", "complaint"),
    [
        (film(), 20, {}, "no particles"),
        (film((10, 10, 10, 10, AM)), 0, {}, "height"),
        (film((10, 10, 10, 10, AM)), math.nan, {}, "height"),
        (film((10, 10, 10, 0, AM)), 20, {}, "diameter"),
        (film((10, 10, math.inf, 1, AM)), 20, {}, "finite"),
        (film((10, 10, 10, 10, AM)), 20, {"width": 2}, "width"),
        (film((10, 10, 10, 10, AM)), 20, {"elevation": 95}, "elevation"),
        (film((10, 10, 10, 10, AM)), 1e9, {}, "too many"),
    ],
)
def test_what_cannot_be_drawn_is_refused(particles, height, options, complaint):
    with pytest.raises(InputError, match=complaint):
        render_film(particles, height, **options)


def test_no_film_at_all_is_refused():
    with pytest.raises(InputError, match="no film"):
        draw_films([])
    with pytest.raises(InputError, match="no particles"):
        find_top(film())


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    add_picture(parser)
    return run_picture(parser.parse_args(list(words)))


def test_the_command_draws_states(tmp_path, capsys):
    write_state(tmp_path / "dried.data.gz", heap(), 30)
    output = tmp_path / "new" / "film.png"
    assert run(str(tmp_path / "dried.data.gz"), "-o", str(output), "--title", "a film") == 0
    assert output.read_bytes()[:4] == b"\x89PNG"
    assert str(output) in capsys.readouterr().out
    assert COMMANDS["picture"][2] is run_picture


def test_the_command_says_what_is_wrong(tmp_path):
    state = str(tmp_path / "dried.data.gz")
    write_state(tmp_path / "dried.data.gz", heap(5), 30)
    (tmp_path / "failed.data.gz").write_bytes(b"")
    with pytest.raises(InputError, match=r"\.png, \.pdf, \.svg"):
        run(state, "-o", str(tmp_path / "film.jpg"))
    with pytest.raises(InputError, match="2 titles for 1 films"):
        run(state, "-o", "film.png", "--title", "a", "--title", "b")
    with pytest.raises(InputError, match=r"failed\.data\.gz"):
        run(str(tmp_path / "failed.data.gz"), "-o", str(tmp_path / "film.png"))
    with pytest.raises(InputError, match="cannot be written"):
        run(state, "-o", str(tmp_path / "dried.data.gz" / "film.png"))
