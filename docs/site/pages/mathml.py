"""The formulas of docstrings as MathML: x̂ₖ² / √(v + ε) with a fraction and a root.

Docstrings write formulas in Unicode on a line; prose between them stays prose.
"""

import re
from dataclasses import dataclass
from html import escape

NAMES = (
    "log exp tanh sin cos softmax softplus sigmoid ReLU max min mean sign round argmax "
    "erf diag lr gain error goodness scale cooling Im BCE KL norm best ih"
)
FUNCTIONS = {*NAMES.split()}
"""Words of several letters that belong to a formula."""
SUPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀᵏᵉᵈᵖᵗˣʸᶻ", "0123456789+−nTkedptxyz", strict=True))
SUB = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙᵢⱼₖₜᵣ", "0123456789+−nijktr", strict=True))
CLOSING = {"(": ")", "[": "]", "{": "}"}
TOKEN = re.compile(
    rf"(?P<space>\s+)|(?P<number>\d+(?:\.\d+)?(?:e-\d+)?)"
    rf"|(?P<word>[A-Za-z][A-Za-z-]+(?:_[a-z_]+)*)|(?P<letter>[A-Za-zα-ωΑ-ΡΤ-Ω]\u0302?)"
    rf"|(?P<upper>[{''.join(SUPER)}]+)|(?P<lower>[{''.join(SUB)}]+)"
    r"|(?P<index>_(?:\w+|\{[^}]*\}))|(?P<other>.)",
    re.DOTALL,
)
STARTS = re.compile(r"^\S.{0,34}?(=|←|≈|≤)|^\S+ gets |^[A-Z][a-z]+ ")
"""How a line begins that is not the rest of the line before."""


THIN, WIDE = (f'<mspace width="{width}em"/>' for width in (0.17, 1.5))


@dataclass
class Part:
    """A piece of a line: an atom of a formula, an operator, prose, or a space."""

    kind: str
    xml: str


def html(text: str) -> str:
    """Formulas and the prose between them, a paragraph a formula."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines and line.strip() and lines[-1] and not STARTS.match(line):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line.strip())
    return "\n".join(f"<p>{_line(line)}</p>" for line in lines if line)


def _line(line: str) -> str:
    """One line: islands of MathML in prose."""
    out, island = "", ""
    for part in [*_Parser(line).parts(), Part("text", "")]:
        if part.kind == "text" or (part.kind == "gap" and not island):
            if island:
                out += f'<math displaystyle="true">{island}</math>'
            out, island = f"{out}{part.xml}", ""
        else:
            island += part.xml
    return out


class _Parser:
    """Reads a line from left to right."""

    def __init__(self, line: str) -> None:
        found = [(m.lastgroup or "", m[0]) for m in TOKEN.finditer(line)]
        self.tokens = [*found, ("end", "")]
        self.place = 0

    def parts(self, closing: str = "") -> list[Part]:
        """All up to a closing bracket or the end."""
        parts: list[Part] = []
        while (token := self.tokens[self.place])[0] != "end" and token[1] != closing:
            self.place += 1
            self._add(parts, *token)
        self.place += token[0] != "end"
        return parts

    def _add(self, parts: list[Part], kind: str, text: str) -> None:
        last = parts[-1] if parts else Part("", "")
        if kind == "space":
            space = THIN if last.kind == "atom" else ""
            space = WIDE if len(text) > 2 else space
            parts.append(Part("gap", " " if last.kind == "text" else space))
        elif kind == "word" and text.partition("_")[0] in FUNCTIONS:
            name, _, index = text.partition("_")
            named = _tagged(name)
            parts.append(
                Part("atom", _script(named, "index", index) if index else named)
            )
        elif kind == "word" or (
            text == "a" and last.kind == "gap" and self._in_prose()
        ):
            self._prose(parts, text)
        elif text == "/" and last.kind in ("atom", "gap"):
            self._fraction(parts)
        elif kind in ("upper", "lower", "index") and last.kind == "atom":
            parts[-1] = Part("atom", _script(last.xml, kind, text))
        elif text in "′″" and last.kind == "atom":
            parts[-1] = Part("atom", f"<msup>{last.xml}<mo>{text}</mo></msup>")
        elif text in CLOSING:
            self._bracket(parts, text)
        elif text in "√∂^":
            self._prefix(parts, text)
        elif text in '"`' or (text in ",.;:'" and last.kind == "text"):
            parts.append(Part("text", text))
        else:
            atom = kind in ("number", "letter", "word") or text in "Σ½"
            if not atom and last.xml == THIN:
                last.xml = ""  # operators bring their own
            parts.append(Part("atom" if atom else "op", _tagged(text)))

    def _in_prose(self) -> bool:
        """Whether the words on both sides of the last token are prose."""
        around = (
            self.tokens[max(self.place - 3, 0)],
            self.tokens[self.place + 1 :][:1],
        )
        before, after = around[0], (around[1] or [("", "")])[0]
        return all(k == "word" and w not in FUNCTIONS for k, w in (before, after))

    def _prose(self, parts: list[Part], word: str) -> None:
        spaced = bool(parts) and parts[-1].kind == "gap"
        if spaced:
            parts.pop()
        parts.append(Part("text", f" {word}" if spaced else word))

    def _bracket(self, parts: list[Part], opening: str) -> None:
        inside = self.parts(CLOSING[opening])
        closing = CLOSING[opening]
        if any(part.kind == "text" for part in inside):
            parts += [Part("op", f"<mo>{opening}</mo>"), *inside]
            parts.append(Part("op", f"<mo>{closing}</mo>"))
            return
        row = _joined(inside)
        group = f"<mrow><mo>{opening}</mo>{row}<mo>{closing}</mo></mrow>"
        if parts and parts[-1].kind == "atom":  # f(x), W[i]: belongs to what it follows
            group = f"<mrow>{parts.pop().xml}{group}</mrow>"
        parts.append(Part("atom", group))

    def _prefix(self, parts: list[Part], sign: str) -> None:
        """√x, ∂L, and x^(…)."""
        operand = self._atom()
        if sign == "√":
            xml = f"<msqrt>{_bare(operand)}</msqrt>"
        elif sign == "∂":
            xml = f"<mrow><mo>∂</mo>{operand}</mrow>"
        else:
            xml = f"<msup>{parts.pop().xml}{_bare(operand)}</msup>"
        parts.append(Part("atom", xml))

    def _fraction(self, parts: list[Part]) -> None:
        """a/b of two atoms; a b / c, with spaces, of a product and an atom."""
        spaced = parts[-1].kind == "gap"
        if spaced:
            parts.pop()
            self.place += self.tokens[self.place][0] == "space"
        upper: list[Part] = []
        while parts and parts[-1].kind in (("atom", "gap") if spaced else ("atom",)):
            upper.insert(0, parts.pop())
            if not spaced:
                break
        while upper and upper[0].kind == "gap":
            parts.append(upper.pop(0))
        lower = self._atom()
        if lower.startswith(("<mo>Σ", "<msub><mo>Σ")):  # the sum of a product
            while self._goes_on():
                lower = f"<mrow>{lower}{self._atom()}</mrow>"
        transposed = "<mi>T</mi></msup></mrow>"
        top, bottom = _bare(_joined(upper)), _bare(lower)
        if bottom.endswith(transposed):  # ∂L/∂yᵀ is the transpose of ∂L/∂y
            bottom = bottom.replace("<msup>", "", 1).replace(transposed, "</mrow>")
            fraction = f"<msup><mfrac>{top}{bottom}</mfrac><mi>T</mi></msup>"
        else:
            fraction = f"<mfrac>{top}{bottom}</mfrac>"
        parts.append(Part("atom", fraction))

    def _goes_on(self) -> bool:
        """Whether the next token, after a space, is one more factor."""
        kind, text = self.tokens[self.place + (self.tokens[self.place][0] == "space")]
        return kind == "letter" or text in FUNCTIONS

    def _atom(self) -> str:
        """The next atom, with its scripts, its index and its arguments."""
        parts: list[Part] = []
        while (token := self.tokens[self.place])[0] != "end":
            joins = token[0] in ("upper", "lower", "index") or token[1] in (
                "(",
                "[",
                "′",
                "″",
            )
            joins |= token[0] == "letter" and self.tokens[self.place - 1][0] == "number"
            if parts and parts[-1].kind == "atom" and not joins:
                break
            prose = token[0] == "word" and token[1] not in FUNCTIONS
            if prose or token[1] in CLOSING.values() or (parts and token[0] == "space"):
                break
            self.place += 1
            if token[0] != "space":
                self._add(parts, *token)
        return _joined(parts)


def _script(base: str, kind: str, text: str) -> str:
    """With an exponent or an index."""
    table = SUPER if kind == "upper" else SUB
    plain = "".join(table.get(sign, sign) for sign in text.lstrip("_").strip("{}"))
    script = "".join(map(_tagged, plain))
    script = script if len(plain) == 1 else f"<mrow>{script}</mrow>"
    tag = "msup" if kind == "upper" else "msub"
    return f"<{tag}>{base}{script}</{tag}>"


def _tagged(text: str) -> str:
    """A number, an identifier or an operator."""
    number = text[0].isdigit() or text == "½"
    tag = "mn" if number else "mi" if text[0].isalpha() and text != "Σ" else "mo"
    return f"<{tag}>{escape(text)}</{tag}>"


def _joined(parts: list[Part]) -> str:
    xml = "".join(part.xml for part in parts)
    return xml if len(parts) == 1 else f"<mrow>{xml}</mrow>"


def _bare(xml: str) -> str:
    """Without the round brackets around all of it."""
    inner = re.fullmatch(r"<mrow><mo>\(</mo>(.*)<mo>\)</mo></mrow>", xml)
    if not inner or inner[1].count("<mo>(") != inner[1].count("<mo>)"):
        return xml
    return f"<mrow>{inner[1]}</mrow>"
