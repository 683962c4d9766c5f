"""The German catalogue is complete, has no stale entry and keeps all numbers."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from compare import course, registry, solved_exercises
from compare.check.report import Kind
from compare.cli import app
from compare.cli._results import SHORT_EXPLANATION
from compare.report.words import EXPLANATION
from compare.tensorboard_plugin import WORDS
from compare.translation import catalogue, german, translator, use

ROOT = Path(__file__).parents[2]
COMPARE = ROOT / "compare"
SITE = ROOT / "docs" / "site" / "pages"
GUIDES = [ROOT / "docs" / f"{name}.md" for name in ("using", "checking", "course")]
NAMES = ("_", "say")
"""What translators are called."""
LETTERS = 5
"""A form with fewer of them beside its places would fit any text."""
OF_TYPER = (
    "Missing argument {}",
    "Missing option {}",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
    "Input should be greater than or equal to {}",
)
"""Its errors that are put together, or come from pydantic, which is compiled."""
MISTAKES = [
    row
    for path in (COMPARE / "check" / "mistakes").glob("*.toml")
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["mistake"]
]


def test_placeholders_and_numbers_agree():
    for english, text in catalogue().items():
        assert len(re.findall(r"\{\d?\}", text)) == english.count("{}"), english
        assert _numbers(text) == _numbers(english), english
        assert _code(text) == _code(english), english


def _numbers(text: str) -> list[str]:
    """Those written in digits, without signs that depend on the language."""
    text = re.sub(r"\{\d?\}", "", text)
    joined = re.sub(r"(?<=\d)[.,  ](?=\d)", "", text)
    return sorted(re.findall(r"\d+", joined))


def _code(text: str) -> list[str]:
    return sorted(re.findall(r"`[^`]+`|--[a-z]+|\]\([^)]+\)", text))


@pytest.mark.parametrize(
    ("english", "words"),
    [
        ("a step below half the spacing changes nothing", "halben Abstand"),
        ("the fewer digits, the further from the unrounded path", "weniger Stellen"),
        ("mistake", "Programmfehler"),
        ("loss", "Fehler"),
        ("the error never rises", "Fehler steigt nie"),
        ("every optimizer more than halves the loss", "unter die Hälfte"),
        ("sign (input gradient)", "Vorzeichen (Gradient nach der Eingabe)"),
        ("factor 2: output at [3]", "Faktor 2: Ausgabe bei [3]"),
        ("within 1.3e-16 in 1 case", "bis auf 1.3e-16 in 1 Fall"),
        ("identical (bit for bit, 150 steps)", "identisch (Bit für Bit, 150 Schritte)"),
        ("my own words; [1, 2]", "my own words; [1, 2]"),
        ("raises KeyError: 'sign'", "löst KeyError aus: 'sign'"),
    ],
)
def test_a_reviewed_text_has_its_translation(english: str, words: str):
    assert words in german(english)


def test_nothing_of_command_line_and_report_lacks_a_translation():
    said = {*EXPLANATION, SHORT_EXPLANATION, *WORDS, *get_args(Kind)}
    assert (said | _marked()) - catalogue().keys() == set()


def _marked() -> set[str]:
    """The texts that are given to a translator, `_` or `self.say`."""
    calls = (node for node in _nodes(COMPARE) if isinstance(node, ast.Call))
    first = (call.args[0] for call in calls if call.args and _name(call) in NAMES)
    return {str(node.value) for node in first if isinstance(node, ast.Constant)}


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def test_every_mistake_has_a_german_name_and_hint():
    texts = {row[key] for row in MISTAKES for key in ("name", "hint") if key in row}
    assert texts - catalogue().keys() == set()


def test_every_part_of_the_course_and_exercise_is_translated():
    texts = {*course.CHAPTERS.values()}
    texts |= {part.about for part in course.PARTS if not _is_formula(part.about)}
    asked = {exercise.asked for exercise in solved_exercises.EXERCISES}
    texts |= {text for text in asked if not _is_formula(text)}
    assert texts - catalogue().keys() == set()


def _is_formula(text: str) -> bool:
    return re.match(r"[∇y]", text) is not None


def test_every_text_of_the_help_is_translated():
    program: Any = typer.main.get_command(app)
    texts = set()
    for command in (program, *program.commands.values()):
        texts |= {parameter.help for parameter in command.params}
        texts |= {" ".join(p.split()) for p in command.help.split("\n\n")}
    assert texts - catalogue().keys() - {None} == set()


@pytest.mark.slow
def test_every_lesson_is_translated():
    lessons = [registry.load(name)[1] for name in registry.names()]
    texts = {text for it in lessons for text in (it.title, it.story, *it.claims)}
    assert texts - catalogue().keys() - {""} == set()


@pytest.mark.slow
def test_no_entry_is_stale():
    """Each stands in the sources, or is a case of a sentence with places."""
    sources = [*_texts(COMPARE), *_texts(SITE)]
    guides = [path.read_text(encoding="utf-8") for path in GUIDES]
    tables = [row[key] for row in MISTAKES for key in ("name", "hint") if key in row]
    parser = [*_texts(Path(typer.__path__[0]))]
    sources += [re.sub(r"\{[^{}]*\}", "{}", text) for text in parser]
    sources += OF_TYPER
    forms = [
        re.compile(".*".join(map(re.escape, text.split("{}"))), re.DOTALL)
        for text in sources
        if len(re.findall("[a-z]", text)) > LETTERS
    ]
    corpus = _plain("\n".join([*sources, *guides, *tables, course._TEXT]))
    found = (t for t in catalogue() if _plain(t).strip("{}.,:()[] ") not in corpus)
    assert [t for t in found if not any(form.fullmatch(t) for form in forms)] == []


def _plain(text: str) -> str:
    """Without line breaks and what guides have only in the repository."""
    text = re.sub(r"\[([^\]]+)\]\(\.\.[^)]+\)", r"`\1`", text)
    return " ".join(text.split())


def _texts(folder: Path) -> Iterator[str]:
    """The strings of all files; an f-string with {} for its values."""
    for node in _nodes(folder):
        if isinstance(node, ast.JoinedStr):
            parts = (getattr(part, "value", "") for part in node.values)
            yield "".join(p if isinstance(p, str) else "{}" for p in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _nodes(folder: Path) -> Iterator[ast.AST]:
    for path in folder.rglob("*.py"):
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def test_an_unknown_language_is_refused():
    with pytest.raises(ValueError, match=r"'en', 'de'.*got 'fr'"):
        translator("fr")


def test_the_environment_names_the_language(monkeypatch: pytest.MonkeyPatch):
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "de_AT.UTF-8")
    assert use(None) == "de"
    assert use("en") == "en"
    monkeypatch.setenv("LC_ALL", "fr_FR")
    assert use(None) == "en"
