"""Every part of the course leads to its lesson, its code, torch's and its tests."""

import ast
import re
from functools import cache
from itertools import chain
from pathlib import Path
from pkgutil import resolve_name

import pytest
from typer.testing import CliRunner

import torch_ref
from compare import course, experiments, registry
from compare.cli import app
from compare.cli._console import out
from compare.course import PARTS
from compare.show import names
from compare.solved_exercises import EXERCISES
from docs.course_index import checks_of, course_page, names_of, torch_calls

ROOT = Path(__file__).resolve().parents[2]
ID = {part.id: part for part in PARTS}
SLIDES = [
    *(f"A{n}" for n in range(1, 8)),
    *(f"B {letter}" for letter in "abcdefgh"),
    *("B W·x", "B W·Xᵀ"),
    *(f"C {n}" for n in range(1, 9)),
    *(f"D{n}" for n in range(1, 9)),
    *(f"E{n}" for n in range(1, 4)),
    *(f"F{n}" for n in range(1, 8)),
]
"""All that the slides teach or ask, in their order."""


def over_parts():
    return pytest.mark.parametrize("part", PARTS, ids=lambda part: part.id)


def test_no_part_of_the_course_is_missing():
    assert [part.id for part in PARTS] == SLIDES
    assert {part.chapter for part in PARTS} == course.CHAPTERS.keys()


@over_parts()
def test_every_part_is_worked_named_and_tested(part):
    assert part.about
    assert names_of(part)
    assert checks_of(part)
    worked = [e for e in EXERCISES if e.id.partition(",")[0] == part.id]
    assert course.lessons_of(part) or part.commands
    assert bool(worked) == ("exercises" in part.commands)


@over_parts()
def test_every_name_of_a_part_can_be_shown(part):
    assert {*names_of(part)} <= {*names.names()}


def test_a_name_that_torch_has_not_is_seen():
    with pytest.raises(AttributeError):
        resolve_name("torch.optim.SDG")


@over_parts()
def test_every_call_of_torch_exists(part):
    for call in torch_calls(part):
        assert call.startswith("torch.")
        assert callable(resolve_name(call)), call


def words_of_torch_ref():
    """Every attribute and imported name in the sources of torch_ref."""
    files = Path(torch_ref.__file__).parent.glob("*.py")
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return {n.attr for n in nodes if isinstance(n, ast.Attribute)} | {
        a.name for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names
    }


def test_every_call_of_torch_is_one_that_torch_ref_makes():
    said = {call.rpartition(".")[2] for part in PARTS for call in torch_calls(part)}
    assert said - words_of_torch_ref() == set()


@cache
def names_in(file):
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}


@over_parts()
def test_every_test_of_a_part_exists(part):
    for test in checks_of(part):
        file, _, name = test.partition("::")
        assert name.startswith("test_")
        assert name in names_in(file), test


@over_parts()
def test_every_command_of_a_part_exists(part):
    known = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert {*part.commands} <= known


@pytest.mark.parametrize("name", registry.names())
def test_every_lesson_belongs_to_parts_and_bears_a_heading_of_theirs(name):
    _, lesson = registry.load(name)
    assert lesson.course
    assert {*lesson.course} <= ID.keys()
    headings = [ID[id].heading for id in lesson.course if ID[id].heading]
    assert any(heading in lesson.heading for heading in headings)


def test_the_list_of_lessons_names_every_file_once():
    files = Path(experiments.__path__[0]).glob("[!_]*.py")
    assert sorted(experiments.LESSONS) == sorted(path.stem for path in files)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ("or_gate", "and_gate"),
        ("xor_linear", "xor_mlp"),
        ("wiggle_or_gate", "wiggle_digits"),
        ("optimizers", "schedulers"),
        ("overfitting", "dropout"),
        ("digits_mlp", "digits_cnn"),
    ],
)
def test_the_simpler_lesson_comes_first(first, then):
    assert registry.names().index(first) < registry.names().index(then)


@pytest.mark.parametrize("name", registry.names())
def test_a_lesson_says_which_names_of_handmade_it_teaches(name):
    teaches = registry.load(name)[1].teaches
    assert teaches
    assert {*teaches} <= {*names.names()}


# -- titles and parts of the lessons, read from their files ----------------------------


@pytest.mark.parametrize("name", registry.names())
def test_the_title_and_parts_in_a_lessons_file_are_those_of_the_lesson(name):
    lesson = registry.load(name)[1]
    assert course.title_and_course(name) == (lesson.title, lesson.course)


def test_a_lesson_whose_file_does_not_spell_them_out_is_loaded(monkeypatch, tmp_path):
    lesson = registry.load("or_gate")[1]
    written = 'EXPERIMENT = made_of(title="of something else", course=COURSE)\n'
    (tmp_path / "or_gate.py").write_text(written)
    monkeypatch.setattr(experiments, "__path__", [str(tmp_path)])
    found = course.title_and_course.__wrapped__("or_gate")
    assert found == (lesson.title, lesson.course)


# -- the page --------------------------------------------------------------------------


def test_the_page_is_up_to_date():
    written = (ROOT / "docs" / "course.md").read_text(encoding="utf-8")
    assert written == course_page(), "run `make docs`"


def test_every_id_has_a_row_and_every_link_leads_somewhere():
    page = course_page()
    rows = re.findall(r"^\| ([A-F][^|]*) \|", page, re.MULTILINE)
    assert rows == SLIDES
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert len(links) > 150
    assert [link for link in links if not (ROOT / "docs" / link).is_file()] == []


def test_every_lesson_stands_on_the_page():
    page = course_page()
    assert [n for n in registry.names() if f"experiments/{n}.py)" not in page] == []


# -- the list --------------------------------------------------------------------------


@pytest.fixture
def listed(monkeypatch):
    monkeypatch.setattr(out, "_width", 120)  # the console took its own at import
    answer = CliRunner().invoke(app, ["list"])
    assert answer.exit_code == 0
    return answer.stdout.splitlines()


def test_the_list_follows_the_course(listed):
    lines = listed
    heads = [next(p for p in g if p.id) for g in course.by_heading()]
    places = [
        next(i for i, line in enumerate(lines) if re.match(rf"{p.id}( …|  )", line))
        for p in heads
    ]
    assert places == sorted(places)
    for part, start, end in zip(heads, places, [*places[1:], len(lines)], strict=True):
        below = lines[start:end]
        assert part.heading in below[0]
        own = course.own_lessons(part)
        assert [line[1:].split()[0] for line in below[1 : 1 + len(own)]] == own


def test_the_list_names_every_lesson_once_as_its_own():
    own = chain.from_iterable(course.own_lessons(part) for part in PARTS)
    assert sorted(own) == sorted(registry.names())


def test_parts_without_a_lesson_of_their_own_lead_on(listed):
    lines = listed
    below = {line.split("  ")[0]: lines[i + 1] for i, line in enumerate(lines[:-1])}
    assert below["D1"] == " → or_gate, or_rosenblatt"
    assert below["D7"] == " → python -m compare template, python -m compare check"
    commands = "python -m compare exercises, python -m compare graph"
    assert below["C 1 … C 8"] == f" → {commands}"
