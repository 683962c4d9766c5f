"""German, from the one catalogue of command line, reports, figures and site.

Results stay in English where they are kept (summary.json, `check --json`), and are
translated when they are shown. A text is looked up as a whole; then its first part
("factor 2: …"); then as a sentence, in the catalogue with "{}" for each number or name.
"""

import ast
import os
import re
from collections.abc import Callable
from contextvars import ContextVar
from functools import cache
from pathlib import Path

LANGUAGES = ("en", "de")
CATALOGUE = Path(__file__).parent / "locale/de/LC_MESSAGES/compare.po"
STRONG = ("\n", "; ", ", and ", ": ")
WEAK = (", ", " → ", " · ", " (")
"""What stands between the parts of a text, first what separates most."""
_ENTRY = re.compile(r'^msgid((?:\s*".*")+)\s*^msgstr((?:\s*".*")+)', re.MULTILINE)
_PLACE = "((?:(?!; ).)*?)"
_language = ContextVar("language", default="en")


def use(language: str | None) -> str:
    """Let `_` translate into a language, or into that of the environment."""
    _language.set(language or from_environment())
    return in_use()


def in_use() -> str:
    """The language of `_`."""
    return _language.get()


def from_environment() -> str:
    """The language that LC_ALL, LC_MESSAGES or LANG asks for; English if unknown."""
    asked = [os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    language = next(filter(None, asked), "")[:2]
    return language if language in LANGUAGES else "en"


def _(text: str) -> str:
    """A text in the language in use."""
    return translator(in_use())(text)


def translator(language: str) -> Callable[[str], str]:
    """The function that translates English texts; it leaves what it does not know.

    Raises:
        ValueError: there is no such language.
    """
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {LANGUAGES}, got {language!r}")
    return german if language == "de" else str


def german(text: str) -> str:
    """A text in German: as a whole, else by its parts."""
    known = catalogue()
    if text in known or not re.search("[A-Za-z]{2}", text):
        return known.get(text, text)
    if text.endswith(")") and "(" not in text:  # the end of a part in brackets
        return f"{german(text[:-1])})"
    if found := _begun(text, STRONG):
        return found
    if "\n" in text:
        return "\n".join(map(german, text.split("\n")))
    for pattern, translation in _sentences():
        if match := pattern.fullmatch(text):
            return translation.format(*map(german, match.groups()))
    if found := _begun(text, WEAK):
        return found
    for separator in (*STRONG, *WEAK):
        first, found, rest = text.partition(separator)
        if found:
            return german(first) + known.get(separator, separator) + german(rest)
    return text


def _begun(text: str, separators: tuple[str, ...]) -> str:
    """The translation of a text that begins with a known one; "" if it does not."""
    known = catalogue()
    for separator in separators:
        parts = text.split(separator)
        for n in range(len(parts) - 1, 0, -1):
            first, rest = separator.join(parts[:n]), separator.join(parts[n:])
            if first in known:
                return known[first] + known.get(separator, separator) + german(rest)
    return ""


@cache
def catalogue() -> dict[str, str]:
    """The German texts by the English ones."""
    entries = _ENTRY.findall(CATALOGUE.read_text(encoding="utf-8"))
    found = {_joined(english): _joined(translated) for english, translated in entries}
    return {english: text for english, text in found.items() if english}


def _joined(strings: str) -> str:
    return ast.literal_eval(f"({strings})")


@cache
def _sentences() -> list[tuple[re.Pattern[str], str]]:
    """The sentences with places for numbers or names, those with most words first."""
    found = [(key, text) for key, text in catalogue().items() if "{}" in key]
    found.sort(key=lambda entry: -len(entry[0].replace("{}", "")))
    return [
        (re.compile(_PLACE.join(map(re.escape, key.split("{}"))), re.DOTALL), text)
        for key, text in found
    ]
