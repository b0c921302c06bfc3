"""What is seen of a film of spheres, and how much light falls on it.

A film is shown as a block cut out of the endless electrode: spheres come back on the other side of
the periodic box and are cut open where they cross one of its faces. The view is orthographic, so
that lengths in the plane of the picture are true everywhere.

Each sphere is drawn onto the pixels that its disc covers and the nearest surface stays: what the
camera sees, and in the same way what each of many lights sees. The share of the sky that reaches a
point gives it its shade, so that pores darken with depth as they would in daylight.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from coatline.errors import InputError
from coatline.manufacture.state import Particles

NOTHING, COLLECTOR = -1, -2
"""Owners of a pixel that are no sphere."""
SLAB = 0.07
"""Thickness of the collector as drawn, over the lateral size of the film."""
SKY, SUN = 96, 16
"""Number of directions that the light of the sky and of the sun comes from."""
ALL_ROUND, CAMERA_LIGHT, SKY_LIGHT, SUN_LIGHT = 0.1, 0.15, 0.52, 0.25
"""Strengths of the light, adding to about 1 on a bare surface that faces up."""
AZIMUTH, ELEVATION = 35.0, 22.0
"""Where the camera stands: degrees from x towards y, and above the horizon."""


@dataclass(frozen=True)
class View:
    """What an orthographic camera sees of a film; rows run from the top.

    Attributes:
        owner: (h, w) index of the sphere seen, or NOTHING, or COLLECTOR.
        cut: (h, w) bool, True where a sphere is cut open.
        point: (h, w, 3) what is seen, µm; NaN where nothing is.
        pixel: edge of a pixel, µm.
    """

    owner: np.ndarray
    cut: np.ndarray
    point: np.ndarray
    pixel: float


@dataclass(frozen=True)
class Scene:
    """Spheres with their periodic images, active material first, and the block that cuts them.

    Attributes:
        centre: (n, 3) µm.
        radius: (n,) µm.
        phase: (n,) CBD or AM.
        source: (n,) index of the particle.
        size: (3,) of the block, µm.
        slab: thickness of the collector below, µm.
    """

    centre: np.ndarray
    radius: np.ndarray
    phase: np.ndarray
    source: np.ndarray
    size: np.ndarray
    slab: float


@dataclass(frozen=True)
class Camera:
    """An orthographic camera.

    Attributes:
        axes: (3, 3) unit vectors to the right, up and ahead, as rows.
        left, top: edges of the picture along right and up, µm.
        pixel: edge of a pixel, µm.
        shape: rows and columns.
    """

    axes: np.ndarray
    left: float
    top: float
    pixel: float
    shape: tuple[int, int]

    def points(self, pixels: tuple[np.ndarray, np.ndarray], depth: np.ndarray) -> np.ndarray:
        """Points (n, 3) at depths (n,) along the rays of pixels (rows, columns)."""
        across = self.left + (pixels[1] + 0.5) * self.pixel
        along = self.top - (pixels[0] + 0.5) * self.pixel
        return np.stack([across, along, depth], axis=1) @ self.axes


def look_at(
    particles: Particles,
    height: float,
    pixel: float,
    azimuth: float = AZIMUTH,
    elevation: float = ELEVATION,
) -> View:
    """Find what is seen of a film.

    Args:
        particles: the film on its collector at z = 0, periodic in x and y.
        height: at which the block is cut off, µm.
        pixel: edge of a pixel, µm.
        azimuth: direction in which the camera stands, degrees from x towards y.
        elevation: of the camera above the horizon, degrees.

    Raises:
        InputError: no particles, or a number that is out of range.
    """
    scene = set_scene(particles, height)
    camera = place_camera(scene, azimuth, elevation, pixel)
    depth, owner, cut = trace(scene, camera)
    point = np.full((*camera.shape, 3), np.nan)
    seen = np.nonzero(owner != NOTHING)
    point[seen] = camera.points(seen, depth[seen])
    return View(np.where(owner >= 0, scene.source[np.maximum(owner, 0)], owner), cut, point, pixel)


def set_scene(particles: Particles, height: float) -> Scene:
    """Cut a block of a height (µm) out of a film.

    Raises:
        InputError: no particles, or a number that is out of range.
    """
    if len(particles) == 0:
        raise InputError("picture: the film holds no particles")
    if not (np.isfinite(particles.position).all() and np.isfinite(particles.diameter).all()):
        raise InputError("picture: a position or diameter is not a finite number")
    if particles.diameter.min() <= 0:
        raise InputError("picture: a diameter is not positive")
    if not (math.isfinite(height) and height > 0):
        raise InputError(f"picture: height {height} must be positive (µm)")
    radius = particles.diameter / 2
    side = np.array(particles.side)
    centres, sources = [], []
    for shift in np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), -1).reshape(-1, 2) * side:
        centre = particles.position + np.array([*shift, 0.0])
        beyond = np.maximum(np.abs(centre[:, :2] - side / 2) - side / 2, 0.0)
        near = np.flatnonzero((beyond**2).sum(1) < radius**2)
        centres.append(centre[near])
        sources.append(near)
    source = np.concatenate(sources)
    centre = np.concatenate(centres)
    # Where spheres overlap in a cut, the first one drawn stays: active material before binder.
    order = np.lexsort((source, -particles.phase[source].astype(int)))
    source, centre = source[order], centre[order]
    size = np.array([*side, height])
    slab = SLAB * float(side.max())
    return Scene(centre, radius[source], particles.phase[source], source, size, slab)


def find_corners(side: np.ndarray) -> np.ndarray:
    """(4, 3) corners of the block's foot."""
    return np.array([[x, y, 0.0] for x in (0.0, side[0]) for y in (0.0, side[1])])


def _axes(direction: np.ndarray) -> np.ndarray:
    """Right, up and ahead of a camera that stands in a direction; (3, 3) rows."""
    ahead = -direction / np.linalg.norm(direction)
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    if np.linalg.norm(right) < 1e-9:
        right = np.array([0.0, 1.0, 0.0])
    right = right / np.linalg.norm(right)
    return np.array([right, np.cross(right, ahead), ahead])


def _spherical(azimuth: float, elevation: float) -> np.ndarray:
    a, e = math.radians(azimuth), math.radians(elevation)
    return np.array([math.cos(e) * math.cos(a), math.cos(e) * math.sin(a), math.sin(e)])


def find_width(scene: Scene, azimuth: float) -> float:
    """Width of the block as seen, µm."""
    across = find_corners(scene.size[:2]) @ _axes(_spherical(azimuth, 0.0))[0]
    return float(np.ptp(across))


def find_height(scene: Scene, azimuth: float, elevation: float) -> float:
    """Height of the block and its collector as seen, µm."""
    foot = find_corners(scene.size[:2]) @ _axes(_spherical(azimuth, elevation))[1]
    upright = math.cos(math.radians(elevation))
    return float(np.ptp(foot)) + upright * float(scene.size[2] + scene.slab)


def place_camera(scene: Scene, azimuth: float, elevation: float, pixel: float) -> Camera:
    """Set up a camera in a direction (degrees) with pixels of an edge (µm).

    Raises:
        InputError: a number is out of range, or the picture would be too large.
    """
    if not (math.isfinite(pixel) and pixel > 0):
        raise InputError(f"picture: pixel {pixel} must be positive (µm)")
    if not (math.isfinite(azimuth) and -90 < elevation < 90):
        raise InputError(f"picture: elevation {elevation} must lie between -90 and 90 degrees")
    return _aim(scene, _axes(_spherical(azimuth, elevation)), pixel)


def _aim(scene: Scene, axes: np.ndarray, pixel: float) -> Camera:
    """A camera whose picture just holds the block and its collector."""
    corners = np.repeat(find_corners(scene.size[:2]), 2, axis=0)
    corners[:, 2] = np.tile([-scene.slab, scene.size[2]], 4)
    across, along = corners @ axes[0], corners @ axes[1]
    columns = max(1, math.ceil(np.ptp(across) / pixel - 1e-6))
    rows = max(1, math.ceil(np.ptp(along) / pixel - 1e-6))
    if rows * columns > 1e8:
        raise InputError(f"picture: {columns} x {rows} pixels are too many")
    return Camera(axes, float(across.min()), float(along.max()), pixel, (rows, columns))


def trace(scene: Scene, camera: Camera) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depth, owner (of the images) and cut of each pixel."""
    depth = np.full(camera.shape, np.inf)
    owner = np.full(camera.shape, NOTHING, np.int32)
    cut = np.zeros(camera.shape, np.bool_)
    enter, leave = np.empty(camera.shape), np.empty(camera.shape)
    _cross_all(np.zeros(3), scene.size, _frame(camera), enter, leave)
    _draw_spheres(scene.centre, scene.radius, _frame(camera), enter, leave, depth, owner, cut)
    below, foot = np.array([0, 0, -scene.slab]), np.array([*scene.size[:2], 0.0])
    _cross_all(below, foot, _frame(camera), enter, leave)
    slab = (enter < leave) & (enter < depth)
    depth[slab], owner[slab], cut[slab] = enter[slab], COLLECTOR, False
    return depth, owner, cut


def find_normals(
    scene: Scene, camera: Camera, point: np.ndarray, owner: np.ndarray, cut: np.ndarray
) -> np.ndarray:
    """Outward normals (n, 3) of what is seen at points (n, 3)."""
    sphere = np.maximum(owner, 0)
    normal = (point - scene.centre[sphere]) / scene.radius[sphere, None]
    flat = cut | (owner == COLLECTOR)
    slab = owner[flat, None] == COLLECTOR
    low = np.where(slab, [0, 0, -scene.slab], 0.0)
    high = np.where(slab, [*scene.size[:2], 0.0], scene.size)
    facing = np.where(camera.axes[2] > 0, low, high)
    face = np.argmin(np.abs(point[flat] - facing), axis=1)
    normal[flat] = (np.eye(3) * -np.sign(camera.axes[2]))[face]
    return normal


def _list_lights(azimuth: float) -> tuple[np.ndarray, np.ndarray]:
    """Directions (n, 3) towards the lights and their strengths (n,).

    The sky is all around, three times as bright overhead as below; the sun stands to the left
    of the camera and is large, for soft shadows.
    """
    golden = math.pi * (3 - math.sqrt(5))
    height = 2 * (np.arange(SKY) + 0.5) / SKY - 1
    turn, wide = golden * np.arange(SKY), np.sqrt(1 - height**2)
    sky = np.stack([wide * np.cos(turn), wide * np.sin(turn), height], axis=1)
    right, up, ahead = _axes(_spherical(azimuth - 50, 48))
    turn = golden * np.arange(SUN)[:, None]
    wide = np.sin(math.radians(14) * np.sqrt((np.arange(SUN)[:, None] + 0.5) / SUN))
    sun = -np.sqrt(1 - wide**2) * ahead + wide * (np.cos(turn) * right + np.sin(turn) * up)
    strength = [4 * SKY_LIGHT / SKY * (1 + 0.5 * height), np.full(SUN, SUN_LIGHT / SUN)]
    return np.concatenate([sky, sun]), np.concatenate(strength)


def measure_light(
    scene: Scene, camera: Camera, azimuth: float, point: np.ndarray, normal: np.ndarray
) -> np.ndarray:
    """Light (n,) on points (n, 3) with normals: all round, from the camera, the sky and the sun.

    Only sky and sun cast shadows.
    """
    directions, strength = _list_lights(azimuth)
    pixel = float(np.linalg.norm(scene.size)) / 360
    eyes = [_aim(scene, _axes(direction), pixel) for direction in directions]
    shape = np.max([eye.shape for eye in eyes], axis=0)
    maps = np.full((len(eyes), *shape), np.inf, np.float32)
    for number, eye in enumerate(eyes):
        maps[number, : eye.shape[0], : eye.shape[1]] = trace(scene, eye)[0]
    axes = np.array([eye.axes for eye in eyes])
    corners = np.array([[eye.left, eye.top] for eye in eyes])
    light = _light_up(point, normal, axes, corners, pixel, maps, strength)
    return ALL_ROUND + CAMERA_LIGHT * np.maximum(0, -(normal @ camera.axes[2])) + light


def _frame(camera: Camera) -> tuple[np.ndarray, float, float, float]:
    return camera.axes, camera.left, camera.top, camera.pixel


@njit(cache=True)
def _cross_block(
    low: np.ndarray, high: np.ndarray, start: tuple[float, float, float], ahead: np.ndarray
) -> tuple[float, float]:
    """Where a ray enters and leaves a block; it enters after leaving if it misses."""
    enter, leave = -np.inf, np.inf
    for axis in range(3):
        if abs(ahead[axis]) < 1e-12:
            if start[axis] < low[axis] or start[axis] > high[axis]:
                return np.inf, -np.inf
            continue
        first = (low[axis] - start[axis]) / ahead[axis]
        last = (high[axis] - start[axis]) / ahead[axis]
        enter = max(enter, min(first, last))
        leave = min(leave, max(first, last))
    return enter, leave


@njit(cache=True)
def _cross_all(
    low: np.ndarray, high: np.ndarray, frame: tuple, enter: np.ndarray, leave: np.ndarray
) -> None:
    """`_cross_block` for the ray of each pixel, into the last two arguments."""
    axes, left, top, pixel = frame
    rows, columns = enter.shape
    for i in range(rows):
        v = top - (i + 0.5) * pixel
        for j in range(columns):
            u = left + (j + 0.5) * pixel
            x = u * axes[0, 0] + v * axes[1, 0]
            y = u * axes[0, 1] + v * axes[1, 1]
            z = u * axes[0, 2] + v * axes[1, 2]
            enter[i, j], leave[i, j] = _cross_block(low, high, (x, y, z), axes[2])


@njit(cache=True)
def _draw_spheres(
    centre: np.ndarray,
    radius: np.ndarray,
    frame: tuple,
    enter: np.ndarray,
    leave: np.ndarray,
    depth: np.ndarray,
    owner: np.ndarray,
    cut: np.ndarray,
) -> None:
    """Draw spheres, cut to a block, where they are nearer than what is there."""
    axes, left, top, pixel = frame
    rows, columns = depth.shape
    for k in range(len(radius)):
        r = radius[k]
        x, y, z = centre[k]
        u = x * axes[0, 0] + y * axes[0, 1] + z * axes[0, 2]
        v = x * axes[1, 0] + y * axes[1, 1] + z * axes[1, 2]
        w = x * axes[2, 0] + y * axes[2, 1] + z * axes[2, 2]
        first = max(0, math.floor((top - v - r) / pixel))
        last = min(rows, math.ceil((top - v + r) / pixel) + 1)
        for i in range(first, last):
            down = top - (i + 0.5) * pixel - v
            width = r * r - down * down
            if width <= 0:
                continue
            reach = math.sqrt(width)
            start = max(0, math.floor((u - reach - left) / pixel))
            end = min(columns, math.ceil((u + reach - left) / pixel) + 1)
            for j in range(start, end):
                aside = left + (j + 0.5) * pixel - u
                square = width - aside * aside
                if square <= 0:
                    continue
                half = math.sqrt(square)
                near = max(w - half, enter[i, j])
                if near < min(w + half, leave[i, j]) and near < depth[i, j]:
                    depth[i, j] = near
                    owner[i, j] = k
                    cut[i, j] = near > w - half


@njit(cache=True)
def _light_up(
    points: np.ndarray,
    normals: np.ndarray,
    eyes: np.ndarray,
    corners: np.ndarray,
    step: float,
    maps: np.ndarray,
    strength: np.ndarray,
) -> np.ndarray:
    """Light that reaches each point (n, 3), by Lambert's law; shadows are looked up in the maps."""
    light = np.zeros(len(points), np.float32)
    for n in range(len(points)):
        nx, ny, nz = normals[n]
        x = points[n, 0] + 1.5 * step * nx
        y = points[n, 1] + 1.5 * step * ny
        z = points[n, 2] + 1.5 * step * nz
        total = 0.0
        for k in range(len(strength)):
            slope = -(eyes[k, 2, 0] * nx + eyes[k, 2, 1] * ny + eyes[k, 2, 2] * nz)
            if slope <= 0:
                continue
            across = eyes[k, 0, 0] * x + eyes[k, 0, 1] * y + eyes[k, 0, 2] * z
            along = eyes[k, 1, 0] * x + eyes[k, 1, 1] * y + eyes[k, 1, 2] * z
            column = math.floor((across - corners[k, 0]) / step)
            row = math.floor((corners[k, 1] - along) / step)
            if 0 <= row < maps.shape[1] and 0 <= column < maps.shape[2]:
                ahead = eyes[k, 2, 0] * x + eyes[k, 2, 1] * y + eyes[k, 2, 2] * z
                if ahead > maps[k, row, column] + 0.5 * step:
                    continue
            total += strength[k] * slope
        light[n] = total
    return light
