"""A file may hang, exit, crash or not load: that is reported and harms nothing."""

import json
from xml.etree import ElementTree

import pytest

from compare.check.process import check_file

UNLOADABLE = {
    "def f(:\n": "syntax error in line 1",
    "\0": "source code string cannot contain null bytes",
    "import no_such_package\n": "needs the package 'no_such_package'",
    "x = 1\n": "nothing to check: define a class named as in handmade.nn",
    "import sys; sys.exit(3)\n": "calls sys.exit while it is loaded",
    "1 / 0\n": "fails while it is loaded: ZeroDivisionError",
}
LOST = {
    "import os; os._exit(0)\n": "while it was loaded, it ended the process",
    "while True: pass\n": "while it was loaded, it did not end within 4 s",
}


@pytest.mark.parametrize(("source", "words"), UNLOADABLE.items())
def test_a_file_that_cannot_be_loaded_is_told_why(
    source, words, write, command, in_process
):
    result = command("check", write(source))
    assert result.exit_code == 2
    assert words in result.stderr
    assert "None" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("source", "words"), LOST.items())
def test_a_file_that_loses_its_process_while_loaded_is_told(
    source, words, write, command
):
    seconds = 4 if "while" in source else 60  # loading torch may take long itself
    result = command("check", write(source), "--timeout", seconds)
    assert result.exit_code == 2
    assert words in result.stderr


def test_a_missing_file_and_an_unknown_name_are_usage_errors(
    tmp_path, write, command, in_process
):
    assert "there is no file" in command("check", tmp_path / "none.py").stderr
    path = write("def f(x): return x*x\ndef grad_f(x): return 2*x\n")
    result = command("check", path, "g")
    assert result.exit_code == 2
    assert "defines no 'g'" in result.stderr


BAD_COMPANY = """
import os, sys, time
print("noise")
class ReLU:
    def forward(self, x): {what}
    def backward(self, grad_output): return grad_output
def f(x): return x * x
def grad_f(x): return 2 * x
"""


def is_told_and_the_rest_is_checked(outcome, words):
    relu, f = outcome.findings
    assert relu["kind"] == "wrong"
    assert words in relu["words"]
    assert f["kind"] in ("equal", "rounding")
    assert outcome.exit_status() == 1


def test_a_function_that_ends_the_process_is_a_bug_and_the_rest_is_checked(write):
    outcome = check_file(write(BAD_COMPANY.format(what="os._exit(0)")), [], 60)
    is_told_and_the_rest_is_checked(outcome, "ended the process with status 0")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("\n        while True: pass", "did not end within 20 s"),
        ("os.abort()", "ended the process with status -6"),
    ],
)
def test_a_function_that_hangs_or_crashes_is_a_bug(what, words, write):
    outcome = check_file(write(BAD_COMPANY.format(what=what)), [], 20)
    is_told_and_the_rest_is_checked(outcome, words)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("sys.exit(0)", "raises SystemExit"),
        ("raise ValueError('no')", "raises ValueError: no"),
    ],
)
def test_a_function_that_raises_is_a_bug(what, words, write, in_process):
    outcome = check_file(write(BAD_COMPANY.format(what=what)), [], 60)
    is_told_and_the_rest_is_checked(outcome, words)


@pytest.mark.slow
def test_a_printing_file_does_not_spoil_the_json(write, command):
    path = write(BAD_COMPANY.format(what="print(x); return x * (x > 0)"))
    result = command("check", path, "f", "--json")
    report = json.loads(result.stdout)
    assert report["exit_status"] == result.exit_code == 0
    assert [finding["label"] for finding in report["findings"]] == ["f"]


def test_texts_that_no_report_can_hold_do_no_harm(tmp_path, write, command, in_process):
    path = write(BAD_COMPANY.format(what="raise OSError('\\ud800\\x00')"))
    report = tmp_path / "report.xml"
    result = command("check", path, "ReLU", "--json", "--junit", report)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["kind"] == "wrong"
    assert ElementTree.parse(report).getroot().attrib["failures"] == "1"


def test_the_help_warns_that_the_code_is_run(command):
    text = " ".join(command("check", "--help").stdout.split())
    assert "CODE IS RUN" in text
    assert "with all your rights" in text
