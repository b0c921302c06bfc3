import json
import subprocess
import sys

import netCDF4
import numpy as np
import pytest
import tifffile
from scipy.ndimage import gaussian_filter

from coatline.cli import main
from coatline.measure import image

LABELS = "pore=0,am=1,cbd=2"


@pytest.fixture(scope="module")
def volume():
    """Three phases, 20 x 24 x 28 voxels, [x, y, z], labelled pore 0, am 1, cbd 2."""
    noise = gaussian_filter(np.random.default_rng(5).random((20, 24, 28)), 1.5)
    return np.digitize(noise, np.quantile(noise, [0.5, 0.85])).astype(np.uint8)


def write_netcdf(path, array, name="label", dimensions=("x", "y", "z")):
    with netCDF4.Dataset(path, "w") as file:
        for axis, count in zip(dimensions, array.shape):
            file.createDimension(axis, count)
        file.createVariable(name, array.dtype, dimensions[: array.ndim])[:] = array


def extract(capsys, path, *options, labels=LABELS, size="0.4"):
    code = main(["extract", str(path), "--voxel-size", size, "--labels", labels, *options])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def measure(capsys, path, *options, **named):
    def refuse(word):
        raise AssertionError(f"{word} is not JSON")

    code, out, err = extract(capsys, path, "--json", *options, **named)
    assert code == 0 and err == ""
    return json.loads(out, parse_constant=refuse)


def save(folder, array, name="v.npy"):
    np.save(folder / name, array)
    return folder / name


def test_formats_agree(capsys, volume, tmp_path):
    np.save(tmp_path / "a.npy", volume)
    tifffile.imwrite(tmp_path / "a.tif", volume.transpose(2, 1, 0))
    tifffile.imwrite(tmp_path / "b.tiff", volume.transpose(2, 1, 0), compression="zlib")
    write_netcdf(tmp_path / "a.nc", volume.astype(np.int32))
    write_netcdf(tmp_path / "b.nc", volume, "phase", ("a", "b", "c"))
    write_netcdf(tmp_path / "c.nc", volume.transpose(2, 1, 0), "label", ("z", "y", "x"))
    results = [
        measure(capsys, tmp_path / name, "--axis", "all")
        for name in ("a.npy", "a.tif", "b.tiff", "a.nc", "b.nc", "c.nc")
    ]
    assert results[0]["shape"] == [20, 24, 28]
    assert all(result == results[0] for result in results)


def test_lzw_pages_are_read(capsys, volume, tmp_path):
    from PIL import Image

    pages = [Image.fromarray(page) for page in np.ascontiguousarray(volume.transpose(2, 1, 0))]
    pages[0].save(
        tmp_path / "a.tif", save_all=True, append_images=pages[1:], compression="tiff_lzw"
    )
    lzw, plain = measure(capsys, tmp_path / "a.tif"), measure(capsys, save(tmp_path, volume))
    assert lzw == plain


def test_the_object(capsys, volume, tmp_path):
    path = save(tmp_path, volume)
    result = measure(capsys, path)
    assert list(result) == [
        "shape",
        "voxel_size",
        "volume_fraction",
        "porosity_without_nanopores",
        "specific_surface_area",
        "tortuosity_factor_pore",
        "tortuosity_factor",
        "relative_diffusivity",
        "relative_conductivity",
        "percolates",
    ]
    assert set(result["volume_fraction"]) == {"pore", "am", "cbd"}
    assert set(result["specific_surface_area"]) == {"am_pore", "am_cbd"}
    assert result["volume_fraction"]["cbd"] == pytest.approx(0.15, abs=0.01)
    assert result["percolates"] == {"z": True}
    assert list(result["tortuosity_factor"]) == ["z"]
    everything = measure(capsys, path, "--axis", "all")
    assert list(everything["percolates"]) == ["x", "y", "z"]
    assert everything["tortuosity_factor"]["z"] == result["tortuosity_factor"]["z"]
    fraction = result["volume_fraction"]
    assert result["tortuosity_factor"]["z"] * result["relative_diffusivity"]["z"] == pytest.approx(
        fraction["pore"] + 0.05 * fraction["cbd"]
    )


def test_axes_are_x_y_z(capsys, tmp_path):
    slabs = np.zeros((6, 8, 10), np.uint8)
    slabs[3] = 1  # a wall across x
    tifffile.imwrite(tmp_path / "a.tif", slabs.transpose(2, 1, 0))
    result = measure(capsys, tmp_path / "a.tif", "--axis", "all", labels="pore=0,am=1")
    assert result["shape"] == [6, 8, 10]
    assert result["percolates"] == {"x": False, "y": True, "z": True}
    for name in ("tortuosity_factor", "tortuosity_factor_pore", "relative_diffusivity"):
        assert result[name]["x"] is None
        assert result[name]["y"] == pytest.approx(1 if "tort" in name else 5 / 6)
    assert result["relative_conductivity"] == {
        "x": None,
        "y": pytest.approx(1 / 6),
        "z": pytest.approx(1 / 6),
    }
    assert result["specific_surface_area"]["am_pore"] == pytest.approx(2 / 6 / 0.4)
    assert result["volume_fraction"]["cbd"] == 0


def test_voxel_size_scales_areas_alone(capsys, volume, tmp_path):
    path = save(tmp_path, volume)
    small, large = measure(capsys, path, size="0.4"), measure(capsys, path, size="0.8")
    assert large["tortuosity_factor"] == small["tortuosity_factor"]
    assert large["relative_conductivity"] == small["relative_conductivity"]
    for name, value in small["specific_surface_area"].items():
        assert large["specific_surface_area"][name] == pytest.approx(value / 2)


def test_sphere(capsys, tmp_path):
    n, radius = 40, 12.0
    grid = np.indices((n, n, n)) + 0.5 - n / 2
    path = save(tmp_path, ((grid**2).sum(0) < radius**2).astype(np.int16))
    result = measure(capsys, path, labels="pore=0,am=1", size="0.5")
    assert result["volume_fraction"]["am"] * n**3 == pytest.approx(
        4 / 3 * np.pi * radius**3, rel=0.01
    )
    area = result["specific_surface_area"]["am_pore"] * (n * 0.5) ** 3
    assert area == pytest.approx(4 * np.pi * (radius * 0.5) ** 2, rel=0.01)
    assert result["relative_conductivity"]["z"] is None


def test_conductivity_is_relative_to_the_binder(capsys, tmp_path):
    layers = np.ones((4, 4, 10), np.uint8)
    layers[:, :, 5:] = 2
    path = save(tmp_path, layers)
    result = measure(capsys, path, "--conductivity", "am=1,cbd=1000000")
    assert result["relative_conductivity"]["z"] == pytest.approx(2e-6, rel=1e-5)
    assert result["percolates"] == {"z": False}
    assert result["tortuosity_factor_pore"]["z"] is None
    alone = measure(capsys, save(tmp_path, np.ones((4, 4, 4), int)), labels="pore=0,am=1")
    assert alone["relative_conductivity"]["z"] == pytest.approx(1)


def test_binder_diffusivity(capsys, tmp_path):
    layers = np.zeros((4, 4, 10), np.uint8)
    layers[:, :, 5:] = 2
    path = save(tmp_path, layers)
    result = measure(capsys, path, "--diffusivity-cbd", "0.2")
    assert result["relative_diffusivity"]["z"] == pytest.approx(1 / 3)
    assert result["tortuosity_factor"]["z"] == pytest.approx(0.6 * 3)
    assert result["percolates"] == {"z": False}


def test_mirrored_axis_is_the_same(capsys, volume, tmp_path):
    a = measure(capsys, save(tmp_path, volume), "--axis", "all")
    b = measure(
        capsys, save(tmp_path, np.ascontiguousarray(volume[::-1, :, ::-1])), "--axis", "all"
    )
    for name in ("tortuosity_factor", "tortuosity_factor_pore", "relative_conductivity"):
        assert b[name] == pytest.approx(a[name], rel=1e-5)


def test_table_for_people(capsys, volume, tmp_path):
    code, out, _ = extract(capsys, save(tmp_path, volume), "--axis", "all")
    assert code == 0
    assert "20 x 24 x 28 voxels of 0.4 µm" in out and "tortuosity factor, pores" in out
    wall = np.zeros((4, 4, 4), np.uint8)
    wall[:, :, 2] = 1
    assert "blocked" in extract(capsys, save(tmp_path, wall), labels="pore=0,am=1")[1]


def refused(capsys, *arguments):
    code = main(["extract", *map(str, arguments)])
    captured = capsys.readouterr()
    assert code == 2 and captured.out == ""
    assert captured.err.startswith("coatline: error: ") and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize(
    "array, words",
    [
        (np.zeros((4, 4), np.uint8), "2 dimensions"),
        (np.zeros((2, 2, 2, 2), np.uint8), "4 dimensions"),
        (np.zeros((0, 4, 4), np.uint8), "empty"),
        (np.random.default_rng(0).random((4, 4, 4)), "whole numbers"),
        (np.array([[["a"]]]), "whole numbers"),
        (np.full((4, 4, 4), 7), "does not name: 7"),
        (np.arange(64).reshape(4, 4, 4), "3, 4, 5, 6, 7, 8, 9, 10 and 53 more"),
        (np.zeros((4, 4, 1), np.uint8), "--axis z"),
    ],
)
def test_bad_arrays(capsys, tmp_path, array, words):
    path = save(tmp_path, array)
    assert words in refused(capsys, path, "--voxel-size", 1, "--labels", LABELS)


@pytest.mark.parametrize(
    "options, words",
    [
        (("--labels", "pore=0,am=1,glue=2"), "glue"),
        (("--labels", "pore=0"), "am is missing"),
        (("--labels", "am=1,cbd=2"), "pore is missing"),
        (("--labels", "pore=0,am=0"), "pore and am both"),
        (("--labels", "pore=0,am=1,am=2"), "am is given twice"),
        (("--labels", "pore=0,am=x"), "not a whole number"),
        (("--labels", "pore=0,am=1.5"), "not a whole number"),
        (("--labels", "pore"), "pore=N"),
        (("--labels", ""), "pore=N"),
        (("--voxel-size", "0"), "positive"),
        (("--voxel-size", "-1"), "positive"),
        (("--voxel-size", "nan"), "positive"),
        (("--voxel-size", "inf"), "positive"),
        (("--voxel-size", "wide"), "--voxel-size"),
        (("--axis", "w"), "--axis"),
        (("--conductivity", "am=1"), "both"),
        (("--conductivity", "am=1,cbd=-2"), "cbd=-2"),
        (("--conductivity", "am=1,cbd=2,cbd=3"), "both once"),
        (("--diffusivity-cbd", "2"), "--diffusivity-cbd"),
        (("--diffusivity-cbd", "nan"), "--diffusivity-cbd"),
        (("--colour", "red"), "--colour"),
    ],
)
def test_bad_options(capsys, tmp_path, options, words):
    path = save(tmp_path, np.zeros((4, 4, 4), np.uint8))
    given = {"--voxel-size": "1", "--labels": LABELS} | {options[0]: options[1]}
    arguments = [part for pair in given.items() for part in pair]
    assert words in refused(capsys, path, *arguments)


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("none.npy", None, "no such file"),
        ("v.txt", b"0 1 2", "unknown kind"),
        ("v", b"0 1 2", "unknown kind"),
        ("v.npy", b"", "empty file"),
        ("v.npy", b"not an array", "cannot be read as NPY"),
        ("v.tif", b"not an image", "cannot be read as TIFF"),
        ("v.nc", b"not a dataset", "cannot be read as netCDF"),
    ],
)
def test_bad_files(capsys, tmp_path, name, content, words):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert words in refused(capsys, tmp_path / name, "--voxel-size", 1, "--labels", LABELS)


def test_bad_containers(capsys, tmp_path):
    rest = ("--voxel-size", 1, "--labels", LABELS)
    assert "folder" in refused(capsys, tmp_path, *rest)
    tifffile.imwrite(tmp_path / "flat.tif", np.zeros((8, 8), np.uint8))
    assert "2 dimensions" in refused(capsys, tmp_path / "flat.tif", *rest)
    tifffile.imwrite(tmp_path / "rgb.tif", np.zeros((8, 8, 3), np.uint8), photometric="rgb")
    assert "colour" in refused(capsys, tmp_path / "rgb.tif", *rest)
    write_netcdf(tmp_path / "float.nc", np.zeros((3, 3, 3)), "field")
    assert "no 3D variable" in refused(capsys, tmp_path / "float.nc", *rest)
    np.save(tmp_path / "pickled.npy", np.array([{}, None]), allow_pickle=True)
    assert "cannot be read" in refused(capsys, tmp_path / "pickled.npy", *rest)
    whole = (tmp_path / "whole.npy").open("wb")
    np.save(whole, np.zeros((9, 9, 9), np.uint8))
    whole.close()
    cut = (tmp_path / "whole.npy").read_bytes()[:400]
    (tmp_path / "cut.npy").write_bytes(cut)
    assert "cannot be read" in refused(capsys, tmp_path / "cut.npy", *rest)


def test_too_large_is_refused_before_loading(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(image, "_free_memory", lambda: 1e4)
    path = save(tmp_path, np.zeros((9, 9, 9), np.uint8))
    assert "9 x 9 x 9 voxels need about" in refused(
        capsys, path, "--voxel-size", 1, "--labels", LABELS
    )


def test_no_command_and_help(capsys):
    assert main([]) == 2
    assert "COMMAND" in capsys.readouterr().err
    assert main(["--help"]) == 0
    assert "extract" in capsys.readouterr().out
    assert main(["extract", "--help"]) == 0
    assert "NMC111" in capsys.readouterr().out


def test_help_imports_nothing_heavy():
    code = "import sys; from coatline.cli import main; main(['--help']); print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(result.stdout.split())
    assert not loaded & {"numpy", "numba", "torch", "xarray", "pydantic", "snakemake"}
