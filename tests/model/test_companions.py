"""The distributions beside claimwire: what they hold, and where they are looked for."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from claimwire import Tagger
from claimwire.data.errors import ReleaseError
from claimwire.model import companions
from claimwire.model.references import resolve_release
from claimwire.model.release import load_release

PACKAGES = Path(__file__).parents[2] / "packages"
NAMES = sorted(path.name for path in PACKAGES.iterdir() if (path / "pyproject.toml").is_file())


def test_base_is_a_release_of_its_own() -> None:
    release = load_release(resolve_release("base"))
    assert release.manifest.name == "claimwire-base"
    assert (
        release.manifest.metrics["validation/primary_macro_f1"]
        > load_release(resolve_release(None)).manifest.metrics["validation/primary_macro_f1"]
    )
    (tagged,) = Tagger.load("base").tag_sentences(["Drones struck the depot at Oru on Tuesday."])
    assert tagged.label == "attack_claim"


def test_a_directory_of_that_name_comes_first(
    tiny_release: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base").symlink_to(tiny_release)
    monkeypatch.chdir(tmp_path)
    assert load_release(resolve_release("base")).manifest.name != "claimwire-base"


def test_without_it_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(companions, "PACKAGES", tmp_path)
    with pytest.raises(ReleaseError, match=r"pip install \./packages/claimwire-base"):
        resolve_release("base")


def test_an_installed_distribution_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "claimwire_made_up"
    installed.mkdir()
    (installed / "__init__.py").write_text("raise RuntimeError('its code is not run')")
    assert companions.companion_directory("claimwire-made-up") is None
    monkeypatch.syspath_prepend(tmp_path)
    assert companions.companion_directory("claimwire-made-up") == installed


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_distribution_holds_all_of_its_files(name: str, tmp_path: Path) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path,
         PACKAGES / name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as content:
        packed = {n for n in content.namelist() if ".dist-info/" not in n}
    source = PACKAGES / name / "src"
    files = (path for path in source.rglob("*") if path.is_file())
    there = {
        path.relative_to(source).as_posix() for path in files if "__pycache__" not in path.parts
    }
    assert packed == there
