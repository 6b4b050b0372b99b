"""What is in the tree must be in the wheel, by both routes to it."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("train", "model", "serve", "data")
LEFT_OUT = ("data/annotations/", "data/standoff/")


def hatch(directory: Path, target: str, out: Path) -> Path:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(out)],
        cwd=directory,
        check=True,
        capture_output=True,
    )
    (built,) = out.iterdir()
    return built


def package_files(wheel: Path) -> dict[str, int]:
    with zipfile.ZipFile(wheel) as archive:
        return {
            entry.filename: entry.file_size
            for entry in archive.infolist()
            if entry.filename.startswith("claimwire/")
        }


def tracked_files() -> dict[str, int]:
    """What git would commit of the package, under its name in the wheel."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *ROOMS, "src/claimwire"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    files = {}
    for name in listed:
        path = ROOT / name
        if path.is_symlink() or not path.is_file() or name.startswith(LEFT_OUT):
            continue
        files["claimwire/" + name.removeprefix("src/claimwire/")] = path.stat().st_size
    return files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hatch(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_every_file_of_the_tree(wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout to know which files belong to the project")
    assert package_files(wheel) == tracked_files()


def test_the_wheel_holds_the_shipped_data(wheel: Path) -> None:
    names = set(package_files(wheel))
    assert "claimwire/py.typed" in names
    assert "claimwire/data/samples/article.txt" in names
    assert any(name.startswith("claimwire/data/corpus/train/") for name in names)
    assert any(
        name.startswith("claimwire/model/releases/") and name.endswith("/model.onnx")
        for name in names
    )


def test_sdist_to_wheel_loses_nothing(wheel: Path, tmp_path: Path) -> None:
    sdist = hatch(ROOT, "sdist", tmp_path / "sdist")
    with tarfile.open(sdist) as archive:
        # Before 3.11.4 there is no filter; later versions warn where none is set.
        if hasattr(tarfile, "data_filter"):
            archive.extraction_filter = tarfile.data_filter
        archive.extractall(tmp_path / "source")
    (unpacked,) = (tmp_path / "source").iterdir()
    assert package_files(hatch(unpacked, "wheel", tmp_path / "wheel")) == package_files(wheel)
    assert (unpacked / "tests" / "test_packaging.py").is_file()
    assert (unpacked / "configs" / "default.yaml").is_file()


def test_the_wheel_is_light(wheel: Path) -> None:
    megabytes = wheel.stat().st_size / 1e6
    assert megabytes < 30, f"{megabytes:.1f} MB: the promise is about 25"
