"""Fixtures shared by all tests: the material, and small real electrodes made once per test run."""

import fcntl
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from coatline.design.grid import grid_points, start_point
from coatline.manufacture.engine import Engine
from coatline.manufacture.record import read_results, read_series_of, read_status
from coatline.manufacture.stages import calender_film, dry_film, make_slurry, press_film
from coatline.manufacture.state import Particles, read_state
from coatline.material import Material, load_material

ROOT = Path(__file__).resolve().parents[1]
DECKS = ROOT / "workflow" / "lammps"
SOLID_MASS = 0.0256  # µg: at 10 mg/cm² a film 16 µm wide, the smallest that coatline makes
UPPER = 35.0
SHARED = {"safety_factor": 0.7, "retries": 2}
SLURRY = {"pressure": 100.0, **SHARED}
DRYING = {"model": "homogeneous", "pressure": 22.0, "duration": 72.0, **SHARED}
TWO_RANKS = "mpiexec.gforker -n {threads}"
"""Launcher for tests: it opens no port, as MPICH's own does on all interfaces."""
PRESSING = {"speed": 0.3, "reference_pressure": 20000.0, "frame_spacing": None, **SHARED}


@pytest.fixture
def two_ranks(monkeypatch) -> Engine:
    """LAMMPS on two ranks that meet in shared memory, as in a job: else they listen everywhere."""
    monkeypatch.setenv("UCX_TLS", "self,sm")
    return Engine(launcher=TWO_RANKS, threads=2)


def break_press(decks: Path) -> Path:
    """Copy the decks, with a press that fails after the second of its grid states."""
    shutil.copytree(DECKS, decks)
    press = (decks / "press.lmp").read_text()
    broken = press.replace(
        "jump        SELF down",
        'if "${point} == 2" then "print \'coatline: not converged: made to fail\'" "quit 3"\n'
        "jump        SELF down",
    )
    assert broken != press
    (decks / "press.lmp").write_text(broken)
    return decks


@pytest.fixture(scope="session")
def nmc111() -> Material:
    return load_material(ROOT / "config" / "materials" / "nmc111.yaml")


@dataclass(frozen=True)
class Line:
    """One slurry on its way through the line, each stage made when it is first asked for."""

    folder: Path
    material: Material
    active_material: float
    solid_content: float
    seed: int = 1

    def _made(self, name: str, make: callable) -> Path:
        """A stage's record; made by one test process, waited for by the others."""
        self.folder.mkdir(parents=True, exist_ok=True)
        record = self.folder / f"{name}.nc"
        with open(self.folder / f"{name}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.folder / f"{name}.done"
            if not done.exists():
                make(
                    record=record,
                    force_field=self.material.force_field("default"),
                    decks=DECKS,
                    engine=Engine(),
                    log=self.folder / f"{name}.log",
                )
                done.write_text(json.dumps(read_status(record)))
        if read_status(record) != ("ok", ""):
            raise RuntimeError(f"{record}: {read_status(record)}")
        return record

    def slurry(self) -> Path:
        return self._made(
            "slurry",
            lambda **common: make_slurry(
                state=self.folder / "slurry.restart",
                data=self.folder / "slurry.data.gz",
                active_material=self.active_material,
                solid_content=self.solid_content,
                solid_mass=SOLID_MASS,
                solid_loading=10.0,
                ingredients=self.material.ingredients(),
                protocol=SLURRY,
                seed=self.seed,
                **common,
            ),
        )

    def dried(self) -> Path:
        before = self.slurry()
        return self._made(
            "dried",
            lambda **common: dry_film(
                slurry_state=self.folder / "slurry.restart",
                slurry_record=before,
                state=self.folder / "dried.restart",
                data=self.folder / "dried.data.gz",
                protocol=DRYING,
                **common,
            ),
        )

    def grid(self) -> list[Path]:
        return [self.folder / f"grid{point:02d}.restart" for point in grid_points(UPPER)]

    def pressed(self) -> Path:
        before = self.dried()
        return self._made(
            "pressed",
            lambda **common: press_film(
                dried_state=self.folder / "dried.restart",
                dried_record=before,
                grid=self.grid(),
                frames=None,
                upper_compression=UPPER,
                protocol=PRESSING,
                **common,
            ),
        )

    def calendered(self, compression_rate: float) -> Path:
        before = self.pressed()
        name = f"calendered{compression_rate:g}"
        return self._made(
            name,
            lambda **common: calender_film(
                pressed_state=self.grid()[start_point(compression_rate)],
                pressed_record=before,
                data=self.folder / f"{name}.data.gz",
                compression_rate=compression_rate,
                protocol=PRESSING,
                **common,
            ),
        )

    def particles(self, name: str) -> Particles:
        return read_state(self.folder / f"{name}.data.gz")

    def results(self, record: Path) -> dict[str, float]:
        return read_results(record)

    def series(self, record: Path) -> dict:
        return read_series_of(record)


@pytest.fixture(scope="session")
def make_line(tmp_path_factory, nmc111):
    """A line for a recipe, shared by all test processes of this run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if base.name.startswith("popen-") else base

    def make(active_material: float, solid_content: float, seed: int = 1) -> Line:
        folder = shared / "lines" / f"{active_material:g}-{solid_content:g}-{seed}"
        return Line(folder, nmc111, active_material, solid_content, seed)

    return make


@pytest.fixture(scope="session")
def rich(make_line) -> Line:
    """A film rich in active material: 96 % AM, 69 % solids."""
    return make_line(96, 69)


@pytest.fixture(scope="session")
def lean(make_line) -> Line:
    """A film with much binder: 88 % AM, 60 % solids."""
    return make_line(88, 60)
