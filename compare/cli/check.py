"""`check`: files of one's own, compared with torch."""

import sys
from pathlib import Path

import typer
from typer import Argument, Option

from compare.cli._console import out, refusal, usage_errors
from compare.cli._options import LANG, Language


def check(
    file: Path = Argument(help="A file (Python or notebook), or a folder of files."),
    names: list[str] | None = Argument(
        None, help="Names to check (default: all); or more files and folders."
    ),
    strict: bool = Option(
        False, "--strict", help="Fail conventions and what is not tested, too."
    ),
    as_json: bool = Option(False, "--json", help="Print the whole report as JSON."),
    junit: Path | None = Option(None, help="Write a JUnit report to this file."),
    timeout: float = Option(10, help="Seconds for loading the file and for each name."),
    jobs: int = Option(0, help="Files checked at the same time; 0: one a core."),
    meant: list[str] = Option(
        [],
        "--as",
        metavar="CLASS=NAME[,GRADIENT]",
        help="What a name is meant to be; may be given several times.",
    ),
    lang: Language | None = LANG,
) -> None:
    """Check your own layers, losses and optimizers against torch.

    A file may define classes named as in handmade.nn and handmade.optim, functions
    such as mse_loss with mse_loss_backward, or any f with grad_f. Several files, or a
    folder, give one table.

    A FILE'S CODE IS RUN, in a process of its own but with all your rights: check only
    what you would run.

    Exit 1: something is wrong; with --strict, also a convention that is not torch's,
    or something not tested. Exit 2: nothing could be judged. Else 0.
    """
    from compare.check import report
    from compare.check.process import check_files, find_files

    with usage_errors():
        if not timeout > 0:
            raise ValueError(f"timeout must be positive, got {timeout}")
        if jobs < 0:
            raise ValueError(f"jobs must be at least 0, got {jobs}")
        paths, wanted = _paths_and_names(file, names or [])
        if not (files := find_files(paths)):
            raise ValueError(f"there is no Python file and no notebook in {file}")
        outcomes = check_files(files, wanted, timeout, jobs, meant)
        if junit is not None:
            text = report.as_junit(outcomes, strict)
            junit.write_text(text, encoding="utf-8")
    if as_json:
        sys.stdout.write(report.as_json(outcomes, strict) + "\n")
    elif len(outcomes) > 1:
        report.show_table(outcomes, out)
    else:
        report.show(outcomes[0], out, strict)
    if len(outcomes) == 1 and outcomes[0].problem:
        refusal(f"{file}: {outcomes[0].problem}")
    raise typer.Exit(report.exit_status_of(outcomes, strict))


def _paths_and_names(first: Path, others: list[str]) -> tuple[list[Path], list[str]]:
    """Files and folders, and the names; after a file, a plain word is a name."""
    is_path = [
        not word.isidentifier() or (first.is_dir() and Path(word).exists())
        for word in others
    ]
    paths = [Path(word) for word, is_one in zip(others, is_path, strict=True) if is_one]
    names = [w for w, is_one in zip(others, is_path, strict=True) if not is_one]
    return [first, *paths], names
