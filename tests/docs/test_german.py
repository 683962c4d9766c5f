"""Every text of a lesson has its German words, and none is left over."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from compare import course, registry
from compare.verdict import ORDER

GERMAN = Path(__file__).parents[2] / "docs/site/locale/de/LC_MESSAGES"


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    with (GERMAN / "lessons.po").open("rb") as file:
        return {entry.id: entry.string for entry in read_po(file) if entry.id}


@pytest.mark.parametrize("name", registry.names())
def test_a_lesson_is_told_in_german(name: str, words: dict[str, str]) -> None:
    lesson = registry.load(name)[1]
    for text in (lesson.title, lesson.story, *lesson.claims):
        assert words.get(text), f"{GERMAN}/lessons.po lacks: {text}"


def test_no_german_words_are_left_over(words: dict[str, str]) -> None:
    lessons = [registry.load(name)[1] for name in registry.names()]
    said = {t for e in lessons for t in (e.title, e.story, *e.claims)} | {*ORDER}
    said |= {*course.CHAPTERS.values()}
    pages = Path(__file__).parents[2] / "docs/site/pages"
    fixed = "".join(
        (pages / name).read_text(encoding="utf-8")
        for name in ("lessons.py", "kinds.py", "first_step.py")
    )
    assert [
        t for t in words if t not in said and t not in " ".join(fixed.split())
    ] == []
