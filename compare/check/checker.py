"""Checking a definition, by its kind; layers and losses in every test case here."""

import contextlib
import warnings
from collections.abc import Callable

import numpy as np

from compare.check import course, example, functions, random_layers, schedules, wording
from compare.check.adapters import answer
from compare.check.comparison import Comparison, finding_of, raised_by
from compare.check.definitions import FINDERS, Definition, NotTested
from compare.check.functions import function_definition
from compare.check.optimizer_forms import optimizer_definition
from compare.check.optimizers import optimizer
from compare.check.report import Finding
from compare.check.results import TOLERANCE, Answer, close, wrong_in
from compare.check.schedules import schedule_definition
from compare.testing import Case
from compare.testing.reference import Question, Results, drawn, torchs

OPTIONAL = {
    *("one example", "one number", "empty batch", "many leading dimensions", "N-d")
}
"""Notes of the test cases whose kind of input a beginner's version need not take."""


def check(definition: Definition) -> Finding:
    """Check one definition; whatever it raises becomes part of the finding."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return CHECKS[definition.kind](definition)
        except NotTested as error:
            return finding_of(definition, "not judged", str(error))
        except Exception as error:
            return raised_by(definition, error)


def layer_or_loss(definition: Definition) -> Finding:
    """Compare a layer or a loss; only in its first test case must it not raise."""
    comparison = Comparison(definition, torchs)
    skipped = comparison.skipped
    for number, case in comparison.given_cases():
        try:
            _compare(comparison, case)
        except NotTested as why:
            what = str(why).partition(";")[0]  # the rest is about this test case only
            if not any(words.startswith(what) for words in skipped):
                skipped[str(why)] = []
        except Exception as error:
            if number == 0 and isinstance(error, NotImplementedError):
                raise
            if number == 0:
                comparison.error = case.id, error
            else:
                skipped.setdefault(wording.raised(error), []).append(case.id)
    return comparison.finding(shown=lambda f: wording.shown([example.smallest(f)]))


def _compare(comparison: Comparison, case: Case) -> None:
    question = drawn(case)
    want, got = torchs(question), answer(comparison.definition, question)
    # torch clamps at 1e-12, a float32 constant: that shows at exactly 0 or 1.
    tolerance = 1e-6 if case.note == "at 0 and 1" else TOLERANCE
    wrong = wrong_in(got.results, want, tolerance)
    shapes_differ = any(got.results[n].shape != want[n].shape for n in wrong)
    if case.note in OPTIONAL and shapes_differ:
        comparison.skipped.setdefault("shapes differ", []).append(case.id)
    elif comparison.add(question, want, got, wrong):
        where = f"{question.name} {wording.inputs_of(question)}"
        found = _side_effects(comparison.definition, question, want, got)
        comparison.mistakes += [(name, where) for name in found]


def _side_effects(
    definition: Definition, question: Question, want: Results, got: Answer
) -> list[str]:
    """Mistakes that leave the numbers of one pass right."""
    found = ["input mutated"] if got.mutated else []
    with contextlib.suppress(Exception):
        in_float32 = example.changed(question, lambda a: a.astype(np.float32))
        single = answer(definition, in_float32).results
        if any(r.dtype != np.float32 for r in single.values() if r.ndim):
            found.append("dtype changed")
    if question.state:
        twice = answer(definition, question, passes=2).results
        names = [f"gradient {name}" for name in question.state]
        if not all(close(twice[n], 2 * want[n], 1e-9) for n in names):
            found.append("gradient overwritten")
    return found


FINDERS[:] = [optimizer_definition, schedule_definition, function_definition]
CHECKS: dict[str, Callable[[Definition], Finding]] = {
    "layer": layer_or_loss,
    "loss": layer_or_loss,
    "dropout": random_layers.dropout,
    "sample": random_layers.sample,
    "optimizer": optimizer,
    "scalar": functions.scalar,
    "schedule": schedules.schedule,
    "clipping": schedules.clipping,
    "rosenblatt": course.rosenblatt,
    "descend": course.descend,
    "newton": course.newton,
    "blind": course.blind,
}
"""By the kind of a definition."""
