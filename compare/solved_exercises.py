"""Every exercise of the course, solved on paper, with `handmade` and in PyTorch."""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
import torch

import handmade
import torch_ref
from compare.backend import to_numpy
from compare.verdict import Verdict, classify, worst

TOLERANCE = 1e-15
"""Relative: two orders of so few operations differ by no more."""
TYPED_TOLERANCE = 0.01
"""Relative, of an answer that somebody types: two digits are enough."""
EPS = float(np.finfo(float).eps)
VULGAR = {"½": ".5", "¼": ".25", "¾": ".75", "−": "-"}
"""How people write, and how Python does."""
WIDTH = 64
"""Of a line on paper."""
Solve = Callable[[Any, Callable[[Any], Any]], Any]
"""Solves it with a library (`handmade` or `torch_ref`) and what makes its arrays."""


@dataclass(frozen=True)
class Answer:
    """The three answers, as text, and whether they agree."""

    by_hand: str
    handmade: str
    torch_ref: str
    verdict: Verdict


@dataclass(frozen=True)
class Exercise:
    """One exercise of the course.

    Args:
        id: of the part of the course.
        heading: the German heading of the slide.
        given: the numbers, in symbols.
        asked: what is to be computed.
        working: on paper: the numbers put into the formula.
        by_hand: the closed form, evaluated.
        result: the same as one writes it on paper, such as 1½; four digits if empty.
    """

    id: str
    heading: str
    given: str
    asked: str
    working: str
    by_hand: Any
    solve: Solve
    result: str = ""

    @property
    def question(self) -> str:
        """What is given, and what is asked."""
        return f"{self.given}: {self.asked}"

    @property
    def paper(self) -> np.ndarray:
        """The answer on paper, as numbers."""
        return np.asarray(self.by_hand, dtype=float)

    def answer(self) -> Answer:
        """Solve it all three ways."""
        paper, tensor = self.paper, partial(torch.tensor, dtype=torch.float64)
        ours = to_numpy(self.solve(handmade, partial(np.array, dtype=float)))
        theirs = to_numpy(self.solve(torch_ref, tensor))
        pairs = ((ours, paper), (theirs, paper), (ours, theirs))
        verdicts = [classify(a, b, tolerance=TOLERANCE, eps=EPS) for a, b in pairs]
        return Answer(self._worked(), text(ours), text(theirs), worst(verdicts))

    def _worked(self) -> str:
        """The working and its result, which starts a line where one is too short."""
        result = self.result or text(self.paper)
        long = "\n" in result or len(f"{self.working} = {result}") > WIDTH
        return f"{self.working}{' =' + chr(10) if long else ' = '}{result}"

    def judge(self, typed: str) -> Verdict:
        """Whether a typed answer is right: numbers, fractions, or lists of them.

        Raises:
            ValueError: it holds no numbers, or not as many as are asked for.
        """
        got, paper = _numbers(typed, decimal_comma=self.paper.ndim == 0), self.paper
        if len(got) != paper.size:
            raise ValueError(f"expected {paper.size} number(s), got {len(got)}")
        array = np.reshape(got, paper.shape)
        if np.any((array == np.round(array)) & (paper != np.round(paper))):
            return Verdict("mistake", "no whole number, even if it is close to one")
        return classify(array, paper, tolerance=TYPED_TOLERANCE, eps=EPS)


def by_heading() -> dict[str, list[Exercise]]:
    """All exercises in the order of the course, under their slides' headings."""
    return {h: list(group) for h, group in groupby(EXERCISES, lambda x: x.heading)}


def chosen(id: str) -> list[Exercise]:
    """The exercises of a part or a chapter, such as "D6", "Bh" or "C"; "" for all.

    Raises:
        ValueError: there are none.
    """
    wanted = id.replace(" ", "").lower()
    ids = [(e.id.replace(" ", "").lower(), e) for e in EXERCISES]
    exact = [exercise for name, exercise in ids if name == wanted]
    if found := exact or [e for name, e in ids if name.startswith(wanted)]:
        return found
    known = ", ".join(dict.fromkeys(exercise.id for exercise in EXERCISES))
    raise ValueError(f"there is no exercise {id!r}; there are {known}")


def text(values: np.ndarray) -> str:
    """Four digits, a line a row; what is almost whole has seven decimals, cut off."""
    if values.ndim:
        rows = map(text, values)
        return "\n".join(rows) if values.ndim > 1 else f"[{', '.join(rows)}]"
    shown, size = f"{values:.4g}", float(values)
    if float(shown).is_integer() and abs(size - float(shown)) > 1e-12:
        shown = f"{math.trunc(size * 1e7) / 1e7:.7f}"
    return shown.replace("-", "−")


def _numbers(typed: str, decimal_comma: bool) -> list[float]:
    plain = "".join(VULGAR.get(sign, sign) for sign in typed)
    if decimal_comma:
        plain = plain.replace(",", ".")
    try:
        return [
            float(Fraction(word)) for word in re.split(r"[\s,;\[\]()]+", plain) if word
        ]
    except (ValueError, ZeroDivisionError):
        raise ValueError(
            f"expected numbers such as −0.5 or 1/2, got {typed!r}"
        ) from None


def _paper(value: Any) -> str:
    """Exactly, as on paper: 1½, −¼, 5/16; a list in brackets."""
    if isinstance(value, list):
        return f"[{', '.join(map(_paper, value))}]"
    number = Fraction(value)
    sign, (whole, rest) = "−" * (number < 0), divmod(abs(number), 1)
    vulgar = {Fraction(float(VULGAR[v])): v for v in "½¼¾"}
    if rest in vulgar or not rest:
        return f"{sign}{whole or ''}{vulgar.get(rest, '')}" if number else "0"
    return f"{sign}{abs(number)}"


def _factor(value: Any) -> str:
    """A number that follows a sign: brackets hold a negative one."""
    return f"({_paper(value)})" if value < 0 else _paper(value)


def _substituted(weights: list[Any], x: list[Any]) -> str:
    """w₀ + w₁·x₁ + w₂·x₂ in numbers."""
    terms = [f"{_factor(w)}·{_factor(v)}" for w, v in zip(weights[1:], x, strict=True)]
    return " + ".join([_paper(weights[0]), *terms])


# B: a neuron y = g(w₀ + Σ wᵢxᵢ).

H = 0.5
ON_PAPER: dict[str, tuple[str, Callable[[float], float]]] = {
    "Identity": ("{}", float),
    "ReLU": ("max(0, {})", lambda total: max(0, total)),
    "Tanh": ("tanh({})", math.tanh),
    "Sigmoid": ("σ({})", lambda total: 1 / (1 + math.exp(-total))),
}
LINEAR = (  # letter, x, weights, sum on paper
    ("a", [H, H], [H, H, H], H + 0.25 + 0.25),
    ("b", [1, 2], [1, 2, 3], 1 + 2 + 6),
)
RELU = (
    ("c", [-H, H], [H, -H, -H], H + 0.25 - 0.25),
    ("d", [1, 2], [-1, -2, -3], -1 - 2 - 6),
)
SIGMOIDAL = (
    ("e", [1, 1], [0, 0, 0], 0),
    ("f", [0, 0], [H, H, H], H),
    ("g", [H, H], [H, H, H], H + 0.25 + 0.25),
    ("h", [1, 2], [1, 2, 3], 1 + 2 + 6),
)
INPUTS = [[1, *x] for _, x, _, _ in SIGMOIDAL]
WEIGHTS = [weights for _, _, weights, _ in SIGMOIDAL]
AT_ONES = [0, 1.5, 1.5, 6]
"""W·x at x = [1, 1], with x₀ = 1: each row's sum."""
ALL_SUMS = [[0, 0, 0, 0], [1.5, H, 1, 2], [1.5, H, 1, 2], [6, 1, 3.5, 9]]
"""W·Xᵀ: row i is weight row i at the four inputs."""


def _neurons() -> Iterator[Exercise]:
    heading = "Aufgaben: Aktivierung — "
    for title, name, rows in (
        ("Linear y = Σ wᵢxᵢ + w₀", "Identity", LINEAR),
        ("ReLU y = max(0, Σ wᵢxᵢ)", "ReLU", RELU),
        ("tanh y = tanh(Σ wᵢxᵢ)", "Tanh", SIGMOIDAL),
        ("Sigmoid σ(z) = 1/(1 + e⁻ᶻ) statt tanh", "Sigmoid", SIGMOIDAL),
    ):
        formula, function = ON_PAPER[name]
        for letter, x, weights, total in rows:
            given = f"x = {_paper(x)}, [w₀, w₁, w₂] = {_paper(weights)}"
            asked = f"y = {formula.format('Σ wᵢxᵢ')}"
            terms, value = formula.format(_substituted(weights, x)), function(total)
            middle = "" if name == "Identity" else f" = {formula.format(_paper(total))}"
            yield Exercise(
                *(f"B {letter}", heading + title, given, asked, terms + middle, value),
                _neuron(name, x, weights),
            )


def _layers() -> Iterator[Exercise]:
    """Several neurons in one operation."""
    heading = "Mehrere Aktivierungen in EINER Operation — y = "
    weights, sums = f"W = {_paper(WEIGHTS)}", "\n".join(map(_paper, ALL_SUMS))
    for name in ("Tanh", "Sigmoid"):
        formula, function = ON_PAPER[name]
        yield Exercise(
            *(f"B W·x, {name.lower()}", f"{heading}g(W·x), x₀ = 1"),
            *(f"x = [1, 1],\n{weights}", f"y = {formula.format('W·x')}"),
            f"{formula.format(_paper(AT_ONES))}",
            [function(total) for total in AT_ONES],
            _neuron(name, [1, 1], WEIGHTS),
        )
    for name in ("Tanh", "Sigmoid"):
        formula, function = ON_PAPER[name]
        yield Exercise(
            *(f"B W·Xᵀ, {name.lower()}", f"{heading}g(W·Xᵀ), Diagonale = e bis h"),
            *(f"X = {_paper(INPUTS)},\n{weights}", f"y = {formula.format('W·Xᵀ')}"),
            f"W·Xᵀ =\n{sums}\n{formula.format('W·Xᵀ')}",
            [[function(total) for total in row] for row in ALL_SUMS],
            _matrix(name),
        )


def _neuron(name: str, x: Any, weights: Any) -> Solve:
    return lambda library, array: getattr(library.nn, name)()(
        library.perceptron.weighted_sum(array(x), array(weights))
    )


def _matrix(name: str) -> Solve:
    """g(W Xᵀ), each row of X starting with x₀ = 1."""
    return lambda library, array: getattr(library.nn, name)()(
        array(WEIGHTS) @ array(INPUTS).T
    )


# C: the gradient of a function at a point.

HOMEWORK = (  # function, gradient, with the numbers, on paper, surface
    ("x² + y²", "[2x, 2y]", "[2·2, 2·(−1)]", [4, -2], "SumOfSquares"),
    ("x³ + y³", "[3x², 3y²]", "[3·2², 3·(−1)²]", [12, 3], "SumOfCubes"),
    (
        *("1/(x² + y²)", "[−2x, −2y]/(x² + y²)²", "[−2·2, −2·(−1)]/(2² + (−1)²)²"),
        *([-4 / 25, 2 / 25], "InverseSquare"),
    ),
    (
        *("x² − 2xy + y²", "[2x − 2y, 2y − 2x]", "[2·2 − 2·(−1), 2·(−1) − 2·2]"),
        *([6, -6], "SquaredDifference"),
    ),
    (
        *("sin x + eʸ", "[cos x, eʸ]", "[cos 2, e⁻¹]"),
        *([math.cos(2), 1 / math.e], "SinePlusExponential"),
    ),
)
WORKED = (
    ("x₁x₂", "[x₂, x₁]", "[5, 3]", [5, 3], "Product"),
    ("x₁ + 2x₂", "[1, 2]", "[1, 2]", [1, 2], "Plane"),
    ("2x₁x₂²", "[2x₂², 4x₁x₂]", "[2·5², 4·3·5]", [50, 60], "ProductWithSquare"),
)


def _gradients() -> Iterator[Exercise]:
    for start, heading, given, point, rows in (
        (1, "Aufgaben: Gradienten", "x = 2, y = −1", (2, -1), HOMEWORK),
        (6, "Gradienten: Beispiele der Folien", "x₁ = 3, x₂ = 5", (3, 5), WORKED),
    ):
        for n, (function, formula, numbers, by_hand, name) in enumerate(rows, start):
            working = " = ".join(dict.fromkeys((formula, numbers)))
            yield Exercise(
                *(f"C {n}", heading, given, f"∇({function})", working, by_hand),
                _gradient(name, point),
            )


def _gradient(surface: str, point: tuple[float, ...]) -> Solve:
    return lambda library, array: getattr(library.surfaces, surface)().gradient(
        array(point)
    )


# D6: one linear neuron learns OR, one row after another.

OR_ROWS = (((1, 1), 1), ((1, 0), 1), ((0, 1), 1), ((0, 0), 0))
LR = Fraction(1, 4)


def _perceptron() -> Iterator[Exercise]:
    """All in fractions, from w = [½, ½, ½]: w ← w − ¼ ∂(ŷ − y)²/∂w."""
    heading, w = "Aufgaben Perceptron: w ← w − ¼ ∂(ŷ − y)²/∂w", [Fraction(1, 2)] * 3
    for row, (x, y) in enumerate(OR_ROWS):
        given, inputs = f"x = {_paper([*x])}, y = {y}, w = {_paper(w)}", [1, *x]
        output = sum(a * b for a, b in zip(w, inputs, strict=True))
        error = output - y
        gradient = [2 * error * value for value in inputs]
        old, w = w, [a - LR * g for a, g in zip(w, gradient, strict=True)]
        difference = f"{_paper(output)} − {y}"
        for asked, working, value in (
            ("output ŷ = w₀ + w₁x₁ + w₂x₂", _substituted(old, [*x]), output),
            ("error (ŷ − y)²", f"({difference})²", error**2),
            (
                "gradient 2(ŷ − y)·[1, x₁, x₂]",
                f"2·({difference})·{_paper(inputs)}",
                gradient,
            ),
            ("new weights w − ¼·gradient", f"{_paper(old)} − ¼·{_paper(gradient)}", w),
        ):
            by_hand = np.asarray(value, dtype=float)
            question = ("D6", heading, given, asked, working, by_hand)
            yield Exercise(*question, _after(row, asked.split()[0]), _paper(value))
    sums = [w[0] + w[1] * a + w[2] * b for (a, b), _ in OR_ROWS]
    yield Exercise(
        *("D6", heading, f"w = {_paper(w)}", "output > ½ for each of the four rows"),
        f"{_paper(sums)} > ½",
        [1, 1, 1, 0],
        _after_all,
        "[1, 1, 1, 0], that is OR",
    )


def _learned(library: Any, array: Callable[[Any], Any], steps: int) -> Any:
    """The neuron after so many rows."""
    sgd = partial(library.optim.SGD, lr=float(LR))
    make = library.training.GradientLearner
    learner = make(library.nn.Linear(2, 1), library.nn.MSELoss(), sgd).to(array([0]))
    state = {"weight": array([[H, H]]), "bias": array([H])}
    learner.model.load_state_dict(state)
    for x, y in OR_ROWS[:steps]:
        learner.step(array([x]), array([[y]]))
    return learner


def _after(row: int, asked: str) -> Solve:
    """What a row gives: its output, error, gradient or new weights."""

    def solve(library: Any, array: Callable[[Any], Any]) -> Any:
        (x, y), learner = OR_ROWS[row], _learned(library, array, row)
        if asked == "output":
            return learner.predict(array([x]))[0, 0]
        error = learner.step(array([x]), array([[y]]))
        if asked == "error":
            return array(error)
        found = learner.gradients() if asked == "gradient" else learner.parameters()
        weight = [float(a) for a in found["weight"][0]]
        return array([float(found["bias"][0]), *weight])

    return solve


def _after_all(library: Any, array: Callable[[Any], Any]) -> Any:
    """Which of the four rows give more than ½ at the end."""
    outputs = _learned(library, array, 4).predict(array([x for x, _ in OR_ROWS]))
    return array(library.metrics.threshold(outputs)[:, 0].tolist())


EXERCISES = [*_neurons(), *_layers(), *_gradients(), *_perceptron()]
