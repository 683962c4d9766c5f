"""The house: imports flow one way, and each wing keeps to itself."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BELOW_ALL = {
    "tolerance": {"backend"},
    "verdict": {"tolerance"},
    "backend": set(),
    "testing": {"backend"},
    "compile": {"backend"},
    "dataloader": {"experiment"},
    "tensors": {"backend"},
    "judging": {"backend", "tensors", "tolerance", "verdict"},
    "notes": {"backend", "tensors"},
    "free": {"judging", "notes", "tensors"},
    "lockstep": {
        *("backend", "compile", "experiment", "free", "judging"),
        *("notes", "tensors", "verdict"),
    },
}
"""What the foundations of the bridge may import of it."""


def _imported(path: Path) -> set[str]:
    """Every module that a file imports at run time, wherever in it."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        waiting += ast.iter_child_nodes(node)
    return found


def _rooms() -> dict[str, set[str]]:
    """The files and folders of compare, and what others of it each imports."""
    rooms: dict[str, set[str]] = {}
    for path in sorted((ROOT / "compare").rglob("*.py")):
        room = path.relative_to(ROOT / "compare").parts[0].removesuffix(".py")
        if room == "__init__":  # looks up lazily what it hands out
            continue
        inner = {name.split(".")[1] for name in _imported(path) if "compare." in name}
        rooms.setdefault(room, set()).update(inner - {room})
    return rooms


def test_imports_of_the_bridge_flow_one_way():
    order = [*TopologicalSorter(_rooms()).static_order()]  # a cycle raises
    assert order.index("testing") < order.index("check") < order.index("cli")
    assert order.index("verdict") < order.index("lockstep") < order.index("cli")


def test_only_the_entry_imports_the_command_line():
    assert [room for room, inner in _rooms().items() if "cli" in inner] == ["__main__"]


@pytest.mark.parametrize("room", BELOW_ALL)
def test_the_foundations_import_nothing_above_them(room: str):
    assert _rooms()[room] <= BELOW_ALL[room]


@pytest.mark.parametrize(
    ("wing", "others"),
    [
        ("handmade", {"torch", "torch_ref", "compare"}),
        ("torch_ref", {"handmade", "compare"}),
    ],
)
def test_a_wing_does_not_look_across(wing: str, others: set[str]):
    for path in (ROOT / wing).rglob("*.py"):
        roots = {name.partition(".")[0] for name in _imported(path)}
        assert not roots & others, path


def test_every_folder_says_in_its_first_lines_what_lives_there():
    for wing in ("handmade", "torch_ref", "compare"):
        for path in (ROOT / wing).rglob("__init__.py"):
            said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
            assert said, path
