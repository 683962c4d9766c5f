"""`check`: a file of one's own, compared with torch."""

import sys
from pathlib import Path

import typer
from typer import Argument, Option

from compare.cli._console import err, out, say, usage_errors


def check(
    file: Path = Argument(help="Plain Python; NumPy is enough."),
    names: list[str] | None = Argument(None, help="Names to check (default: all)."),
    strict: bool = Option(False, help="Fail what is not tested, too."),
    as_json: bool = Option(False, "--json", help="For graders."),
    junit: Path | None = Option(None, help="Write a JUnit report to this file."),
    timeout: float = Option(60, help="Seconds for loading the file and for each name."),
) -> None:
    """Check your own layers, losses and optimisers against torch, in words.

    The file may define classes named as in handmade.nn and handmade.optim, functions
    such as mse_loss with mse_loss_backward, or any f with grad_f.

    THE FILE'S CODE IS RUN, in a process of its own but with all your rights: check
    only what you would run.

    Exit 0: all is equal or rounding. Exit 1: a convention or a bug, or, with --strict,
    something that is not tested. Exit 2: the file cannot be loaded, or there is
    nothing to check.
    """
    from compare.check import report
    from compare.check.process import check_file

    with usage_errors():
        if not timeout > 0:
            raise ValueError(f"timeout must be positive, got {timeout}")
        outcome = check_file(file, names or [], timeout)
        if junit is not None:
            junit.write_text(report.as_junit(outcome, strict), encoding="utf-8")
    if as_json:
        sys.stdout.write(report.as_json(outcome, strict) + "\n")
    else:
        report.show(outcome, out, strict)
    if outcome.problem:
        say(err, f"error: {file}: {outcome.problem}", "red")
    raise typer.Exit(outcome.exit_status(strict))
