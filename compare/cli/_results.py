"""What `run` prints at the end."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Column, Table
from rich.text import Text

from compare.cli._console import out, say
from compare.report import COLORS
from compare.report.words import EXPLANATION
from compare.translation import _

if TYPE_CHECKING:
    from compare.experiment import Experiment
    from compare.registry import Lesson
    from compare.trainer import Result, RunConfig

MARKS = {True: Text("✓ ", "green"), False: Text("✗ ", "red")}

SHORT_EXPLANATION = (
    "One-step difference: how far apart both sides are after a step from the same "
    "state;\nrounding explains it up to the tolerance. After N steps: how far apart, "
    "each going on\nfrom its own state. --explain says more."
)


def print_results(
    results: list["Result"],
    lessons: Sequence["Lesson"],
    config: "RunConfig",
    explain: bool = False,
) -> None:
    """How each lesson ended; nothing where none was run to its end."""
    if not results:
        return
    lesson = results[0].lesson if len(results) == 1 and not config.fast else ""
    if not config.fast:
        out.print(_table(results))
    if lesson and results[0].status == "finished" and results[0].story:
        out.print(f"\n{_(results[0].story)}\n", markup=False)
    _print_verdicts(results)
    print_explanation(explain)
    experiments = {name: lesson.on(config.data) for name, _, lesson in lessons}
    for result in results:
        for name in experiments[result.lesson].files:
            say(out, f"{name} → {result.folder / name}")
    if config.fast:
        words = _("Fast mode: checks skipped. Logs: {}").format(config.logdir)
        say(out, f"\n{words}")
    logdir = shlex.quote(str(config.logdir))
    board = " ".join(["python -m compare board", *lesson.split(), "--logdir", logdir])
    say(out, f"\n{_('View in TensorBoard:')} {board}")
    if not config.fast:
        _print_links(results)
    for result in results:
        changed = _changed(experiments[result.lesson], config)
        if changed and not all(holds for holds, _ in result.claims.values()):
            words = _("its checks assume the lesson as it is, not {}")
            words = words.format(", ".join(changed))
            say(out, f"{result.lesson}: {words}", "yellow")


def _changed(experiment: "Experiment", config: "RunConfig") -> list[str]:
    """What the options change of a lesson, in words."""
    steps, full = config.steps_of(experiment), experiment.steps
    options = {
        "lr": config.lr,
        _("batch size"): config.batch_size,
        _("accumulate"): config.accumulate,
    }
    changed = [
        f"{name} {value:g}" for name, value in options.items() if value is not None
    ]
    if config.hidden:
        changed.append(f"{_('hidden layers')} {'-'.join(map(str, config.hidden))}")
    return [_("{} of {} steps").format(steps, full)] * (steps < full) + changed


def print_explanation(full: bool = True) -> None:
    """What the numbers of the verdicts mean: in a line, or in full."""
    if full:
        say(out, "\n" + "\n".join(map(_, EXPLANATION)))
    else:
        say(out, f"\n{_(SHORT_EXPLANATION)}")


def _table(results: list["Result"]) -> Table:
    """The checks of each lesson; or, where there are none, how it ended."""
    lesson = Column(_("lesson"), no_wrap=True)
    table = Table(lesson, _("Check"), _("Result"), box=None)
    for result in results:
        style = "" if result.status == "finished" else "red"
        rows = [(Text(_(result.status), style), Text(_(result.reason)))]
        if result.claims:
            rows = [
                (MARKS[holds] + Text(_(text)), Text(_(found)))
                for text, (holds, found) in result.claims.items()
            ]
        name = result.lesson
        for row in rows:
            table.add_row(name, *row)
            name = ""
    return table


def _print_verdicts(results: list["Result"]) -> None:
    """The verdict of each lesson in a line, and what fails beside it."""
    width = max(len(result.lesson) for result in results)
    for result in results:
        style, name = COLORS[result.verdict.kind], result.lesson.ljust(width)
        verdict = Text.assemble(f"{name}  ", (_(result.verdict.sentence), style))
        out.print(verdict, soft_wrap=True)
        failed = [f"{result.status}: {result.reason}"] if result.reason else []
        failed += [
            f"fails: {text}"
            for text in result.failures
            if text != result.verdict.sentence
        ]
        for failure in failed:
            say(out, f"{name}  {_(failure)}", "red")


def _print_links(results: list["Result"]) -> None:
    """The addresses of the tab in TensorBoard and of the reports, in full."""
    from compare.report.page import NAME
    from compare.tensorboard import address

    for result in results:
        tab = address("http://127.0.0.1:6006", result.folder)
        _print_link(f"  {result.lesson}: ", tab, tab)
    say(out, _("Report, to open in a browser:"))
    for result in results:
        path = result.folder / NAME
        _print_link(f"  {result.lesson}: ", str(path), path.resolve().as_uri())


def _print_link(before: str, words: str, target: str) -> None:
    out.print(Text.assemble(before, (words, f"link {target}")), soft_wrap=True)
