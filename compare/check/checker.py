"""Checking a definition, by its kind; layers and losses in every test case here."""

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from compare.check import course, dropout, example, functions, schedules, wording
from compare.check.calling import Call, answer
from compare.check.comparison import OPTIONAL, Comparison, finding_of, raised_by
from compare.check.definitions import (
    FINDERS,
    FORWARD,
    Definition,
    NotTested,
    differentiated,
    is_of_autograd,
    meant_by,
    method_of,
    nearest,
)
from compare.check.forms import formed
from compare.check.functions import function_definition
from compare.check.nets import net_definition
from compare.check.optimizer_forms import optimizer_definition
from compare.check.optimizers import optimizer
from compare.check.report import Finding
from compare.check.results import TOLERANCE, Answer, BackwardFailed, close, wrong_in
from compare.check.schedules import schedule_definition
from compare.check.signatures import required
from compare.check.training_step import training_step
from compare.testing import Case
from compare.testing.reference import Question, Results, drawn, torchs

AUTOGRAD = "a torch.nn.Module without a backward pass: autograd differentiates it"
WRITE_IT = (
    "nothing in it is written by hand that could be wrong; give it a method "
    "backward(grad_output), or write a torch.autograd.Function, and that is judged"
)


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
    """Compare a layer or a loss; in some test case it must run."""
    if is_of_autograd(definition.make):
        return finding_of(definition, "not judged", AUTOGRAD, WRITE_IT)
    definition = formed(definition)
    comparison = Comparison(definition, torchs)
    ran: list[Case] = []
    raised: list[tuple[Case, Exception]] = []
    for _, case in comparison.given_cases():
        try:
            _compare(comparison, drawn(case), case.id)
            ran.append(case)
        except NotTested as why:
            what = str(why).partition(";")[0]  # the rest is about this test case only
            if not any(words.startswith(what) for words in comparison.skipped):
                comparison.skipped[str(why)] = []
        except Exception as error:
            raised.append((case, error))
    if raised and not ran:
        comparison.error = raised[0][0].id, raised[0][1]
    elif raised:
        _tell_what_raised(comparison, ran, raised)
    return comparison.finding(shown=lambda f: wording.shown([example.smallest(f)]))


def _tell_what_raised(
    comparison: Comparison, ran: list[Case], raised: list[tuple[Case, Exception]]
) -> None:
    """Note the test cases that are not handled, and those that had to be."""
    dimensions = {drawn(case).inputs[0].ndim for case in ran}
    for case, error in raised:
        ndim, line = drawn(case).inputs[0].ndim, wording.line_of(error)
        what, why = case.id, wording.raised(error)
        if line and (ndim not in dimensions or case.note in OPTIONAL):
            what = case.note if ndim in dimensions else f"{ndim}-D input"
            why = f"line {line}"
        elif _works_apart(case, ran):
            comparison.error = case.id, error
        comparison.skipped.setdefault(why, []).append(what)


def _works_apart(case: Case, ran: list[Case]) -> bool:
    """Whether all options of a test case work in others, one or several at a time."""
    others = [other.kwargs.items() for other in ran if other.note == case.note]
    return len(case.kwargs) > 1 and all(
        any(option in options for options in others) for option in case.kwargs.items()
    )


def _compare(comparison: Comparison, question: Question, label: str) -> None:
    want = torchs(question)
    try:
        got = answer(comparison.definition, question)
    except BackwardFailed as failed:
        if not close(failed.output, want["output"]):
            comparison.add(question, want, Answer({"output": failed.output}))
        raise
    # torch clamps at 1e-12, a float32 constant: that shows at exactly 0 or 1.
    tolerance = 1e-6 if question.note == "at 0 and 1" else TOLERANCE
    wrong = wrong_in(got.results, want, tolerance)
    if wrong and _is_single(got, want, wrong):
        comparison.conventions["dtype changed"] = None
        wrong = ()
    shapes_differ = any(
        n not in got.results or got.results[n].shape != want[n].shape for n in wrong
    )
    if question.note in OPTIONAL and shapes_differ:
        comparison.skipped.setdefault("shapes differ", []).append(label)
        return
    found = [*got.mistakes]
    if comparison.add(question, want, got, wrong):
        found += _side_effects(comparison.definition, question, want, got)
    where = wording.call_of(question)
    comparison.mistakes += [(name, where) for name in found]


def _is_single(got: Answer, want: Results, wrong: tuple[str, ...]) -> bool:
    """Whether results are wrong only because they are computed in float32."""
    results = [got.results[n] for n in wrong if n in got.results]
    return len(results) == len(wrong) and all(
        a.dtype == np.float32 and close(a, want[n], 1e-5)
        for n, a in zip(wrong, results, strict=True)
    )


def _side_effects(
    definition: Definition, question: Question, want: Results, got: Answer
) -> list[str]:
    """Mistakes that leave the numbers of one pass right."""
    found: list[str] = []
    is_plain = definition.is_class and not definition.form.one_by_one
    if is_plain and not question.of_index:
        with contextlib.suppress(Exception):
            found += _kept_elsewhere(definition, question, got)
    with contextlib.suppress(Exception):
        in_float32 = example.changed(question, lambda a: a.astype(np.float32))
        single = answer(definition, in_float32).results
        if any(r.dtype != np.float32 for r in single.values() if r.ndim):
            found.append("dtype changed")
    if question.state and is_plain:
        with contextlib.suppress(Exception):
            call = Call(definition, question)
            call.forward()
            call.backward()
            call.forward()
            twice = call.backward()
            names = [f"gradient {name}" for name in question.state]
            if not all(close(twice[n], 2 * want[n], 1e-9) for n in names):
                found.append("gradient overwritten")
    return found


def unknown(definition: Definition) -> Finding:
    """A class whose name says not what it is, or a gradient without its function."""
    label, make = definition.label, definition.make
    if not definition.is_class:
        words = f"the file has no function whose gradient {label} is"
        of = differentiated(label)
        meant = f"--as {meant_by(of)}={of},{label}"
        hint = f"define {of} as well; or say which function it belongs to: {meant}"
        return finding_of(definition, "not judged", words, hint)
    if is_of_autograd(make):
        return finding_of(definition, "not judged", AUTOGRAD, WRITE_IT)
    words = f"no class or function of torch is known by the name {label}"
    near, forward = nearest(label), getattr(make, method_of(make, FORWARD))
    likely = "Linear" if len(required(make)) > 1 else "ReLU"
    likely = near or ("MSELoss" if len(required(forward)) > 2 else likely)
    hint = f"did you mean {near}? " if near else ""
    hint += f"say which layer or loss it is, for example --as {likely}={label}"
    if not near:
        hint += "; give a whole net a method train(x, y, lr) or update(lr)"
    return finding_of(definition, "not judged", words, hint)


def _kept_elsewhere(
    definition: Definition, question: Question, got: Answer
) -> list[str]:
    """Mistakes in what is kept between the passes: it is shared, or changed."""
    if "lr" in (definition.form.backward or ()):
        return []
    doubled = replace(question, inputs=(question.inputs[0] * 2, *question.inputs[1:]))
    call = Call(definition, question)
    call.forward()
    Call(definition, doubled).forward()
    if wrong_in(call.backward(), got.results):
        return ["cache shared by all instances"]
    again = call.backward()["input gradient"]
    if not close(again, got.results["input gradient"]):
        return ["cache changed inside backward"]
    return []


FINDERS[:] = [
    net_definition,
    *FINDERS,
    optimizer_definition,
    schedule_definition,
    function_definition,
]
CHECKS: dict[str, Callable[[Definition], Finding]] = {
    "layer": layer_or_loss,
    "loss": layer_or_loss,
    "dropout": dropout.dropout,
    "sample": dropout.sample,
    "optimizer": optimizer,
    "scalar": functions.scalar,
    "schedule": schedules.schedule,
    "clipping": schedules.clipping,
    "rosenblatt": course.rosenblatt,
    "descend": course.descend,
    "newton": course.newton,
    "blind": course.blind,
    "training step": training_step,
    "unknown": unknown,
}
"""By the kind of a definition."""
