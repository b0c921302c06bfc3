"""Pictures of films, drawn without a screen or a graphics card: one film, or several side by side.

Cut faces are flat and darker than the surfaces of spheres; thin lines part what touches.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from coatline.errors import InputError
from coatline.manufacture.state import AM, CBD, Particles
from coatline.report.style import COLOURS, save, style
from coatline.report.view import (
    AZIMUTH,
    COLLECTOR,
    ELEVATION,
    NOTHING,
    Scene,
    find_corners,
    find_height,
    find_normals,
    find_width,
    measure_light,
    place_camera,
    set_scene,
    trace,
)

COLOUR = {AM: COLOURS["sky"], CBD: COLOURS["orange"], COLLECTOR: "#b8b8b8"}
NAMES = {AM: "active material", CBD: "carbon-binder domain", COLLECTOR: "collector"}
CUT = 0.82
"""Brightness of a cut face over that of the surface; 40 % of it does not hang on the light."""
LINE = 0.6
"""Brightness of the lines where one thing meets another."""
SAMPLES = 2
"""Rays per pixel and direction."""
DPI, TEXT = 300, 7
"""Pixels per inch of figures, and size of their text, points."""


def render_film(
    particles: Particles,
    height: float,
    *,
    width: int = 1200,
    azimuth: float = AZIMUTH,
    elevation: float = ELEVATION,
) -> np.ndarray:
    """Draw a film as a block on its collector, on white.

    Args:
        particles: the film on its collector at z = 0, periodic in x and y.
        height: at which the block is cut off, µm; usually the thickness.
        width: of the picture, pixels.
        azimuth: direction in which the camera stands, degrees from x towards y.
        elevation: of the camera above the horizon, degrees.

    Returns:
        (h, width, 3) uint8, the same bytes for the same film.

    Raises:
        InputError: no particles, or a number that is out of range.
    """
    if not 8 <= width <= 10000:
        raise InputError(f"picture: width {width} must lie within 8 and 10000 pixels")
    scene = set_scene(particles, height)
    return _render(scene, find_width(scene, azimuth) / width, azimuth, elevation)[:, :width]


def find_top(particles: Particles) -> float:
    """Top of the highest sphere above the collector, µm.

    Raises:
        InputError: no particles.
    """
    if len(particles) == 0:
        raise InputError("picture: the film holds no particles")
    return float(np.max(particles.position[:, 2] + particles.diameter / 2))


def draw_films(films: Sequence[tuple[str, Particles, float]], *, width: int = 1800) -> Figure:
    """Draw films side by side at one scale, with their thickness, one scale bar and a legend.

    Args:
        films: title (of one or more lines), particles and height (µm) of each, left to right.
        width: of the figure, pixels.

    Raises:
        InputError: no films, a film without particles, or a number that is out of range.
    """
    if not films:
        raise InputError("picture: no film is given")
    if not 200 <= width <= 10000:
        raise InputError(f"picture: width {width} must lie within 200 and 10000 pixels")
    scenes = [set_scene(particles, height) for _, particles, height in films]
    across = sum(find_width(scene, AZIMUTH) for scene in scenes)
    letter = DPI / 72 * TEXT  # height of a letter, pixels
    gap = 4.6 * letter  # right of each film, for its thickness
    if width < 2 * gap * (len(films) + 1):
        raise InputError(f"picture: {width} pixels are too narrow for {len(films)} films")
    # As wide as there is room for, unless that makes a figure taller than wide.
    along = max(find_height(scene, AZIMUTH, ELEVATION) for scene in scenes)
    pixel = max(across / (width - gap * (len(films) + 1)), along / width)
    pictures = [_render(scene, pixel, AZIMUTH, ELEVATION) for scene in scenes]
    lines = 1 + max(title.count("\n") for title, _, _ in films)
    below, above = round((3.6 + 1.6 * lines) * letter), round(1.2 * letter)
    tallest = max(picture.shape[0] for picture in pictures)
    rows = tallest + below + above
    with style():
        figure = Figure(figsize=(width / DPI, rows / DPI), dpi=DPI)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(0, rows))
        axes.axis("off")
        left = 0.7 * gap + (width - gap * (len(films) + 1) - across / pixel) / 2
        for (title, _, height), scene, picture in zip(films, scenes, pictures):
            x = round(left)
            box = (x, x + picture.shape[1], below, below + picture.shape[0])
            axes.imshow(picture, extent=box, interpolation="nearest", aspect="auto", zorder=1)
            place = (box[0] + box[1]) / 2, below - 0.7 * letter
            text = title + (lines - 1 - title.count("\n")) * "\n "  # so that first lines align
            axes.text(*place, text, ha="center", va="top", fontsize=1.15 * TEXT)
            _draw_thickness(axes, scene, box, pixel, height, letter)
            left += picture.shape[1] + gap
        _draw_scale(axes, pixel, 0.7 * gap, 1.1 * letter, letter)
        patches = [Patch(facecolor=COLOUR[phase], label=NAMES[phase]) for phase in NAMES]
        axes.legend(
            handles=patches,
            loc="lower right",
            bbox_to_anchor=((width - 0.3 * gap) / width, 0.2 * letter / rows),
            ncols=len(patches),
            fontsize=TEXT,
            borderaxespad=0,
            handlelength=1,
            handleheight=1,
            columnspacing=1.6,
        )
        axes.set(xlim=(0, width), ylim=(0, rows))
    return figure


def save_picture(figure: Figure, path: Path | str) -> None:
    """Write a figure of `draw_films`; the same films give the same bytes.

    A PNG gets a palette of 256 colours, which the eye does not notice and halves its size.

    Raises:
        ValueError: the path does not end in .png, .pdf or .svg.
    """
    path = Path(path)
    if path.suffix != ".png":
        save(figure, path)
        return
    canvas = FigureCanvasAgg(figure)
    with style():
        canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image = image.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path, format="PNG", optimize=True, dpi=(DPI, DPI))


def _draw_thickness(
    axes: Axes,
    scene: Scene,
    box: tuple[int, int, int, int],
    pixel: float,
    height: float,
    letter: float,
) -> None:
    """A dimension line along the right edge of a block, from the collector to its top."""
    camera = place_camera(scene, AZIMUTH, ELEVATION, pixel)
    right, up, _ = camera.axes
    corners = find_corners(scene.size[:2])
    corner = corners[np.argmax(corners @ right)]
    x = box[0] + (corner @ right - camera.left) / pixel + 0.7 * letter
    low = box[3] - (camera.top - corner @ up) / pixel
    high = low + height * up[2] / pixel
    arrow = {"arrowstyle": "<|-|>", "linewidth": 0.8, "color": "0.25", "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x, high), (x, low), arrowprops=arrow)
    place = x + 0.4 * letter, (low + high) / 2
    axes.text(*place, f"{height:.0f} µm", ha="left", va="center", fontsize=TEXT, color="0.25")


def _draw_scale(axes: Axes, pixel: float, x: float, y: float, letter: float) -> None:
    """A bar of a round length, at most as wide as seven letters are high."""
    lengths = [factor * 10.0**power for power in range(-1, 5) for factor in (1, 2, 5)]
    length = max((one for one in lengths if one / pixel <= 7 * letter), default=lengths[0])
    axes.plot([x, x + length / pixel], [y, y], color="black", linewidth=2.5, solid_capstyle="butt")
    text = f"{length:g} µm"
    axes.text(x + length / pixel + 0.5 * letter, y, text, ha="left", va="center", fontsize=TEXT)


def _render(scene: Scene, pixel: float, azimuth: float, elevation: float) -> np.ndarray:
    """The picture: colour of what is seen times its light, with a line where things meet."""
    camera = place_camera(scene, azimuth, elevation, pixel / SAMPLES)
    rows, columns = (math.ceil(count / SAMPLES) for count in camera.shape)
    camera = replace(camera, shape=(rows * SAMPLES, columns * SAMPLES))
    depth, owner, cut = trace(scene, camera)
    seen = np.nonzero(owner != NOTHING)
    what, cuts = owner[seen], cut[seen]
    point = camera.points(seen, depth[seen])
    normal = find_normals(scene, camera, point, what, cuts)
    light = measure_light(scene, camera, azimuth, point, normal)
    tones = np.zeros((5, 3), np.float32)
    for phase, colour in COLOUR.items():
        tones[phase] = to_rgb(colour)
    picture = np.ones((*camera.shape, 3), np.float32)
    shade = np.where(cuts, CUT * (0.4 + 0.6 * light), light) * _find_lines(owner, cut)[seen]
    name = np.where(what >= 0, scene.phase[np.maximum(what, 0)], what)
    picture[seen] = tones[name] * shade[:, None]
    np.clip(picture, 0, 1, out=picture)
    mean = picture.reshape(rows, SAMPLES, columns, SAMPLES, 3).mean((1, 3))
    return np.round(255 * mean).astype(np.uint8)


def _find_lines(owner: np.ndarray, cut: np.ndarray) -> np.ndarray:
    """Brightness (h, w): lower along the lines where one thing or face meets another."""
    key = 2 * owner.astype(np.int64) + cut
    line = np.zeros(key.shape, bool)
    line[:, 1:] |= key[:, 1:] != key[:, :-1]
    line[1:] |= key[1:] != key[:-1]
    return np.where(line, np.float32(LINE), np.float32(1))
