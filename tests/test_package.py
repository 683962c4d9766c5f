"""What is built holds all that the commands need, and nothing else."""

import os
import subprocess
import sys
import tarfile
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parents[1]
PACKAGES = ("handmade", "torch_ref", "compare")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `python -m build` does, without a network."""
    place = tmp_path_factory.mktemp("dist")
    (path,) = WheelBuilder(str(ROOT)).build(directory=str(place))
    return Path(path)


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


@pytest.fixture(scope="module")
def metadata(wheel: Path, names: list[str]) -> Message:
    (name,) = (name for name in names if name.endswith(".dist-info/METADATA"))
    return message_from_string(zipfile.ZipFile(wheel).read(name).decode())


def test_the_wheel_holds_the_three_packages_whole(names: list[str]):
    built = {name for name in names if ".dist-info/" not in name}
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".mo")
    }
    assert built == sources


def test_the_wheel_holds_every_lesson(names: list[str]):
    assert "compare/experiments/or_gate.py" in names
    assert "compare/experiments/digits_cnn.py" in names


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_may_trust_the_annotations(package: str, names: list[str]):
    assert f"{package}/py.typed" in names


def test_the_wheel_holds_the_licence(names: list[str], metadata: Message):
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert metadata["License-Expression"] == "MIT"
    assert metadata["License-File"] == "LICENSE"


def test_the_metadata_are_complete(metadata: Message):
    assert metadata["Name"] == "handmade-dl"
    assert metadata["Author"] == "the handmade-dl authors"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert metadata["Summary"]
    assert metadata["Keywords"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert any(r.startswith("torch>=") for r in metadata.get_all("Requires-Dist", []))


def test_the_command_is_installed_by_its_name(wheel: Path, names: list[str]):
    (name,) = (name for name in names if name.endswith("entry_points.txt"))
    said = zipfile.ZipFile(wheel).read(name).decode()
    assert "compare = compare.__main__:main" in said


@pytest.mark.slow
def test_the_unpacked_wheel_runs_a_lesson_in_any_folder(wheel: Path, tmp_path: Path):
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    zipfile.ZipFile(wheel).extractall(site)
    elsewhere.mkdir()

    def python(*words: str) -> str:
        return subprocess.run(
            [sys.executable, *words],
            cwd=elsewhere,
            env=os.environ | {"PYTHONPATH": str(site)},
            capture_output=True,
            check=True,
            text=True,
            encoding="utf-8",
        ).stdout

    where = "import compare, handmade, torch_ref as t; print(compare.__file__, "
    found = python("-c", where + "handmade.__file__, t.__file__)").split()
    assert all(path.startswith(str(site)) for path in found)
    assert "or_gate  identical " in python("-m", "compare", "run", "or_gate")
    assert "class MSELoss" in python("-m", "compare", "template", "MSELoss")
    (folder,) = (elsewhere / "runs" / "or_gate").iterdir()
    assert (folder / "summary.json").is_file()
    assert [path.name for path in elsewhere.iterdir()] == ["runs"]


def test_the_source_archive_holds_what_the_tests_need(tmp_path: Path):
    (path,) = SdistBuilder(str(ROOT)).build(directory=str(tmp_path))
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = ("pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", "Makefile")
    assert {*wanted, "tests/conftest.py", "docs/adding.md"} <= names
    assert not [name for name in names if name.startswith(("runs/", ".venv"))]
