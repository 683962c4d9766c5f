"""Mutation testing: does a test fail for each small change to the source?

`make mutants` has mutmut try every change to `handmade`, and writes docs/mutants.md.
`python tests/mutants.py --sample 100` tries a random sample, in a temporary copy, and
with --write makes that page from it.
Mutants are left out where `equivalent_mutants.txt` says why nothing could notice them,
or where only the text of a message differs.
"""

import argparse
import itertools
import json
import os
import platform
import random
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.txt")
REPORT = ROOT / "docs" / "mutants.md"
KILLED = (1, 3)
SURVIVED = 0
UNTESTED = (5, 33)
GOAL = 0.95
COMMAND_OF_SAMPLE = "python tests/mutants.py --sample N --write"
COPIED = ("handmade", "torch_ref", "compare", "tests", "docs", "pyproject.toml")
NOT_COPIED = (".git", ".venv", "mutants", "runs", ".*_cache", "__pycache__")
OWNER = re.compile(
    r"\b(\w*(namespace|check\w*|indices|axis|upstream|positive|real_number|finite\w*"
    r"|weights?|one_hot|require_\w+|_coordinates"
    r"|at_least|whole\w*|only|for_each|one_of|share|flag|choice|_squares_fit))\((None|\"[^\"]*\"|owner|self)"
    r"(, (None|\"[^\"]*\"|name))?"
)
"""A call whose first argument is the name of the caller, which only messages hold."""
STRING = re.compile(r"""[rbfu]*("([^"\\]|\\.)*"|'([^'\\]|\\.)*')""")


@dataclass(frozen=True)
class Mutant:
    """One change: the line before and after it, and how the tests ended."""

    name: str
    file: str
    function: str
    before: str
    after: str
    status: str

    @property
    def line(self) -> str:
        """Its name in `equivalent_mutants.txt`."""
        return f"{self.file} {self.function}: {self.before} -> {self.after}"


def run(names: Sequence[str] = (), folder: Path = ROOT, quiet: bool = False) -> None:
    """Let mutmut create all mutants in a folder, and test these (default: all)."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    children = str(os.cpu_count() or 1)
    command = [sys.executable, "-m", "mutmut", "run", "--max-children", children]
    subprocess.run(
        [*command, *names],
        cwd=folder,
        env=env | {"OMP_NUM_THREADS": "1"},
        check=False,
        capture_output=quiet,
    )


def exit_codes(folder: Path = ROOT) -> dict[str, int | None]:
    """By mutant: how the tests ended; None where they did not run."""
    codes: dict[str, int | None] = {}
    for meta in sorted((folder / "mutants").rglob("*.meta")):
        codes |= json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return codes


def described(name: str, code: int | None) -> Mutant:
    """A mutant of the current folder, its change looked up unless it is killed."""
    status = (
        "killed"
        if code in KILLED
        else "survived"
        if code == SURVIVED
        else "untested"
        if code in UNTESTED
        else f"timeout or crash ({code})"
    )
    module, _, function = name.rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", function).removeprefix("x_")
    function = function.replace("xǁ", "").replace("ǁ", ".")
    file = f"{module.replace('.', '/')}.py"
    if not Path(file).is_file():
        file = f"{module.replace('.', '/')}/__init__.py"
    before = after = ""
    if status != "killed":
        before, after = _change(name)
    return Mutant(name, file, function, before, after, status)


def _change(name: str) -> tuple[str, str]:
    """The lines that a mutant removes, and those that it adds."""
    from mutmut.__main__ import get_diff_for_mutant

    lines = get_diff_for_mutant(name).splitlines()
    taken = [x[1:].strip() for x in lines if x[:1] == "-" and x[:3] != "---"]
    put = [x[1:].strip() for x in lines if x[:1] == "+" and x[:3] != "+++"]
    return " ".join(taken), " ".join(put)


def only_words(mutant: Mutant) -> bool:
    """Whether only the text of a message differs."""
    if mutant.status == "killed":
        return False
    before, after = _wordless(mutant.before), _wordless(mutant.after)
    return before == after and mutant.before != mutant.after


def _wordless(line: str) -> str:
    """The line without messages; a string of one word may be a key, and stays."""

    def without(found: re.Match[str]) -> str:
        return '""' if " " in found[0] else found[0]

    return STRING.sub(without, OWNER.sub(r"\1(OWNER", line))


def equivalents() -> dict[str, str]:
    """The mutants that no test could notice, and why."""
    reasons = {}
    for line in EQUIVALENT.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            mutant, _, reason = line.rpartition("  # ")
            if not reason.strip():
                raise ValueError(f"{EQUIVALENT.name} gives no reason: {line}")
            reasons[mutant.strip()] = reason.strip()
    return reasons


def report(mutants: list[Mutant], drawn: str = "") -> tuple[str, float, int]:
    """The page, the score, and how many timed out or crashed.

    Args:
        mutants: those that were tested.
        drawn: how they were drawn, if they are a sample.
    """
    reasons = equivalents()
    words = {m for m in mutants if only_words(m)}
    aside = {m for m in mutants if m.line in reasons and m.status != "killed"} - words
    counted = [m for m in mutants if m not in words and m not in aside]
    killed = [m for m in counted if m.status == "killed"]
    score = len(killed) / max(1, len(counted))
    failed = [m for m in counted if m.status.startswith("timeout")]
    rows = [
        "| file | mutants | killed | survived | equivalent | message text only |",
        "|---|" + "--:|" * 5,
    ]
    for file in sorted({m.file for m in mutants}):
        of = Counter(_column(m, words, aside) for m in mutants if m.file == file)
        cells = (of["killed"], of["survived"], of["equivalent"], of["message"])
        total = sum(of.values())
        rows.append(f"| {file} | {total} | {' | '.join(map(str, cells))} |")
    left = [f"- `{m.line}` ({m.status})" for m in counted if m.status != "killed"]
    why = [
        f"- `{m.line}`: {reasons[m.line]}" for m in sorted(aside, key=lambda m: m.line)
    ]
    day = datetime.now(UTC).date().isoformat()
    page = f"""# Mutation testing of `handmade`

Written by `{COMMAND_OF_SAMPLE if drawn else "make mutants"}` on {day}: Python
{platform.python_version()}, mutmut {version("mutmut")}, {platform.machine()}. {drawn}

**{len(killed)} of {len(counted)} mutants are killed: {score:.1%}**, with {len(failed)}
time-outs or crashes, which do not count as killed. {len(aside)} mutants are
equivalent to the original (a line each below), and {len(words)} change only the text
of a message.

{chr(10).join(rows)}

## Survivors

{chr(10).join(left) or "None."}

## Equivalent, and why

{chr(10).join(why) or "None."}
"""
    return page, score, len(failed)


def _column(mutant: Mutant, words: set[Mutant], aside: set[Mutant]) -> str:
    if mutant in words:
        return "message"
    if mutant in aside:
        return "equivalent"
    return "killed" if mutant.status == "killed" else "survived"


def sample(
    count: int,
    seed: int,
    changed: Sequence[str],
    tests: Sequence[str],
    fast: bool,
    write: bool,
) -> int:
    """Test a random sample of mutants in a temporary copy; 1 if any survives.

    Mutants that are known to be equivalent, or that change only the text of a message,
    are not drawn.

    Args:
        count: of mutants.
        seed: of the draw.
        changed: files or folders whose code is changed.
        tests: files or folders of tests; those of `handmade` where none are given.
        fast: leave the slow tests out.
        write: write the report.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "copy"
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*NOT_COPIED))
        _configure(folder, changed, tests, fast)
        os.chdir(folder)
        run(["no mutant of this name"], folder, quiet=True)  # creates all, tests none
        names = sorted(exit_codes(folder))
        random.Random(seed).shuffle(names)
        reasons = equivalents()
        fair = (m for m in (described(n, None) for n in names) if _counts(m, reasons))
        chosen = [m.name for m in itertools.islice(fair, count)]
        print(f"{len(chosen)} of {len(names)} mutants, seed {seed}", flush=True)
        run(chosen, folder)
        codes = exit_codes(folder)
        mutants = [described(name, codes[name]) for name in chosen]
        drawn = (
            f"The mutants are a random sample of the {len(names)} in all files, "
            f"seed {seed}{', tested without the slow tests' if fast else ''}."
        )
    if write:
        REPORT.write_text(report(mutants, drawn)[0], encoding="utf-8")
    for mutant in mutants:
        if mutant.status != "killed":
            print(f"{mutant.status}: {mutant.line}")
    statuses = Counter(m.status for m in mutants)
    print(f"{statuses['killed'] / max(1, len(mutants)):.1%} killed: {dict(statuses)}")
    return 0 if statuses["killed"] == len(mutants) else 1


def _counts(mutant: Mutant, reasons: dict[str, str]) -> bool:
    return not only_words(mutant) and mutant.line not in reasons


def _configure(
    folder: Path, changed: Sequence[str], tests: Sequence[str], fast: bool
) -> None:
    """Write mutmut's section of pyproject.toml anew."""
    path = folder / "pyproject.toml"
    text = path.read_text(encoding="utf-8")
    config = tomllib.loads(text)["tool"]["mutmut"]
    packages = {name.partition("/")[0] for name in changed}
    config["source_paths"] = sorted(packages)
    config["only_mutate"] = [n if n.endswith(".py") else f"{n}/*" for n in changed]
    config["also_copy"] = [n for n in COPIED if n not in packages]
    if tests:
        config["pytest_add_cli_args_test_selection"] = list(tests)
    config["pytest_add_cli_args"] += ["-m", "not slow"] if fast else []
    section = "".join(f"{k} = {json.dumps(v)}\n" for k, v in config.items())
    before, _, rest = text.partition("[tool.mutmut]\n")
    after = rest[rest.index("\n[tool.") :]
    path.write_text(f"{before}[tool.mutmut]\n{section}{after}", encoding="utf-8")


def main() -> int:
    """Run, report, and say whether the goal is reached."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--report", action="store_true", help="of the last run")
    parser.add_argument("--sample", type=int, metavar="N", help="test N mutants only")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--fast", action="store_true", help="without the slow tests")
    parser.add_argument("--write", action="store_true", help="the report of a sample")
    parser.add_argument("--package", nargs="+", default=["handmade"], metavar="PATH")
    parser.add_argument("--tests", nargs="+", metavar="PATH")
    given = parser.parse_args()
    if given.sample:
        where = given.package, given.tests or []
        return sample(given.sample, given.seed, *where, given.fast, given.write)
    os.chdir(ROOT)
    if not given.report:
        run()
    page, score, failed = report([described(*pair) for pair in exit_codes().items()])
    REPORT.write_text(page, encoding="utf-8")
    print(page)
    return 0 if score >= GOAL and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
