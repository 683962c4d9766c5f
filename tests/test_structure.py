"""Imports flow one way, and the two implementations know nothing of each other."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("handmade", "torch_ref", "compare")
FORBIDDEN = {
    "handmade": {"torch", "torch_ref", "compare"},
    "torch_ref": {"handmade", "compare"},
}
FOUNDATIONS = ("tolerance", "verdict", "backend", "testing")
"""Modules of compare that everything else may build on."""


def sources(package: str) -> dict[str, Path]:
    """Every file of a package, by its dotted name."""
    files = sorted((ROOT / package).rglob("*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files)
    return {
        name.removesuffix(".__init__"): path
        for name, path in zip(names, files, strict=True)
    }


def imported(path: Path) -> Iterator[str]:
    """Every dotted name that a file imports: late and type-only imports, too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(package: str) -> dict[str, set[str]]:
    """Every module of a package, and which of its others each imports."""
    files = sources(package)
    edges: dict[str, set[str]] = {}
    for name, path in files.items():
        if name == "compare":  # loads lazily what it offers
            continue
        targets = {n if n in files else n.rpartition(".")[0] for n in imported(path)}
        edges[name] = (targets & files.keys()) - {name, package}
    return edges


@pytest.fixture(scope="module")
def compare() -> dict[str, set[str]]:
    return graph("compare")


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_imports_itself_by_way_of_others(package: str):
    try:
        TopologicalSorter(graph(package)).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(error.args[1][::-1])) from None


def test_a_circle_of_type_only_or_late_imports_would_be_found(tmp_path: Path):
    file = tmp_path / "late.py"
    file.write_text("if TYPE_CHECKING:\n    import a.b\ndef f():\n    from c import d")
    assert [*imported(file)] == ["a.b", "c.d"]


def part(module: str) -> str:
    """The file or folder of compare that a module belongs to."""
    return module.split(".")[1]


@pytest.mark.parametrize("foundation", FOUNDATIONS)
def test_what_all_build_on_imports_nothing_but_its_like(
    foundation: str, compare: dict[str, set[str]]
):
    for module, targets in compare.items():
        if part(module) == foundation:
            assert {*map(part, targets)} <= {*FOUNDATIONS}, module


def test_only_the_entry_imports_the_command_line(compare: dict[str, set[str]]):
    inward = {
        module
        for module, targets in compare.items()
        if "cli" in map(part, targets) and part(module) != "cli"
    }
    assert inward == {"compare.__main__"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_an_implementation_imports_neither_the_other_nor_the_comparison(package: str):
    for name, path in sources(package).items():
        roots = {target.partition(".")[0] for target in imported(path)}
        assert not roots & FORBIDDEN[package], name


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_has_a_docstring(package: str):
    for name, path in sources(package).items():
        if path.name == "__init__.py":
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), name
