"""Formulas of docstrings become MathML."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from compare.show import docstring, names

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/site"))
from pages import mathml

sys.path.pop(0)
FORMULAS = {
    f"{name} {title}": text
    for name in names.names()
    if callable(thing := names.lookup(name))
    for title, text in docstring.sections(thing).items()
    if title in docstring.FORMULAS
}


SCRIPTS = ("msub", "msup")


def parsed(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(f"<all>{mathml.html(text)}</all>")


def letters(text: str) -> str:
    """All letters and digits in their order, as if none were raised or lowered."""
    plain = {**mathml.SUPER, **mathml.SUB}
    signs = (plain.get(sign, sign) for sign in text)
    return "".join(sign for sign in signs if sign.isalnum())


@pytest.mark.parametrize("name", FORMULAS)
def test_every_formula_is_well_formed_and_loses_no_letter(name: str) -> None:
    page = parsed(FORMULAS[name])
    assert all(len(fraction) == 2 for fraction in page.iter("mfrac"))
    assert all(len(script) == 2 for tag in SCRIPTS for script in page.iter(tag))
    shown = "".join(page.itertext())
    assert letters(shown) == letters(FORMULAS[name])


@pytest.mark.parametrize(
    ("text", "xml"),
    [
        ("a / b", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        ("∂L/∂y", "<mfrac><mrow><mo>∂</mo><mi>L</mi></mrow>"),
        ("√x", "<msqrt><mi>x</mi></msqrt>"),
        ("x²", "<msup><mi>x</mi><mn>2</mn></msup>"),
        ("wₙ", "<msub><mi>w</mi><mi>n</mi></msub>"),
        ("xₙ²", "<msup><msub><mi>x</mi><mi>n</mi></msub><mn>2</mn></msup>"),
        ("e⁻ˣ", "<msup><mi>e</mi><mrow><mo>−</mo><mi>x</mi></mrow></msup>"),
        ("min_j", "<msub><mi>min</mi><mi>j</mi></msub>"),
    ],
)
def test_forms(text: str, xml: str) -> None:
    assert xml in mathml.html(text)


def test_a_product_before_a_spaced_bar_is_the_numerator() -> None:
    fraction = parsed("x = 2 y / (1 + o)").find(".//mfrac")
    assert fraction is not None
    above, below = ("".join(part.itertext()) for part in fraction)
    assert (above, below) == ("2y", "1+o")


def test_the_transpose_of_a_derivative_is_that_of_the_fraction() -> None:
    found = parsed("∂L/∂W = ∂L/∂yᵀ x").findall(".//msup")
    assert [part.tag for part in found[0]] == ["mfrac", "mi"]


def test_prose_stays_prose() -> None:
    page = parsed("y = x where x > 0, else a line of text")
    assert "where" in "".join(page.itertext())
    assert all("where" not in "".join(m.itertext()) for m in page.iter("math"))
