"""What a report says, as text, JSON and JUnit."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from compare.check.process import check_file

HALF_MSE = """
class MSELoss:
    def __call__(self, input, target):
        self.error = input - target
        return 0.5 * (self.error**2).mean()
    def backward(self):
        return self.error / self.error.size
"""
HALF_GRADIENT = HALF_MSE.replace("0.5 * ", "")
RIGHT_MSE = HALF_MSE.replace("0.5 * ", "").replace("self.error /", "2 * self.error /")
ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = README.partition("## Check your own")[2].partition("\n## ")[0].split("```")

pytestmark = pytest.mark.usefixtures("in_process")


def test_a_mistake_comes_with_its_name_hint_input_expected_and_got(write, command):
    result = command("check", write(HALF_GRADIENT))
    assert result.exit_code == 1
    assert "MSELoss: mistake, factor ½: input gradient" in result.stdout
    for word in ("hint", "multiply by 2", "input", "expected", "got"):
        assert word in result.stdout


def test_a_convention_fails_under_strict_only(write, command):
    path = write(HALF_MSE)
    result = command("check", path)
    assert result.exit_code == 0
    assert "MSELoss: convention, factor ½: output" in result.stdout
    assert command("check", path, "--strict").exit_code == 1


def test_the_readme_shows_what_is_printed(write, command):
    assert "0.5 * (error**2).mean()" in README
    _, printed = BLOCKS[1::2][:2]
    assert command("check", write(HALF_MSE)).stdout.strip() == printed.strip()


def test_the_failing_case_is_made_small(find_one):
    assert find_one(HALF_MSE).input.count(",") <= 2


@pytest.mark.parametrize(("factor", "is_shown"), [(1 + 1e-11, True), (1.5, False)])
def test_only_a_small_distance_is_printed(factor, is_shown, write, command):
    source = RIGHT_MSE.replace("(self.error**2)", f"{factor!r} * (self.error**2)")
    assert ("ULP" in command("check", write(source)).stdout) == is_shown


def test_an_optimizers_report_tells_parameter_and_step(write, command, find_one):
    source = """
class SGD:
    def __init__(self, params, lr=1e-3): self.params, self.lr = params, lr
    def step(self):
        for p in self.params: p.data = p.data - self.lr * p.grad * (1 + 1e-7)
"""
    result = command("check", write(source))
    assert "gradient of params[0] at step 1 = " in result.stdout
    found = find_one(source)
    assert found.expected.startswith("params[0] = ")
    assert found.expected != found.got


def test_what_is_not_tested_fails_only_under_strict(write, command):
    path = write(RIGHT_MSE)
    relaxed, strict = command("check", path), command("check", path, "--strict")
    assert (relaxed.exit_code, strict.exit_code) == (0, 1)
    assert "not tested argument reduction" in relaxed.stdout
    why = "--strict fails MSELoss: not tested: argument reduction"
    assert why in strict.stdout
    assert "--strict" not in relaxed.stdout


def test_reports_say_why_strict_fails_what_is_right(tmp_path, write, command):
    source = """
class SGD:
    def __init__(self, params, lr): self.p, self.lr = params, lr
    def step(self):
        for p in self.p:
            if p.grad is not None: p.data = p.data - self.lr * p.grad
"""
    path, junit = write(source), tmp_path / "report.xml"
    report = command("check", path, "--strict", "--json", "--junit", junit).stdout
    why = json.loads(report)["failed"]["SGD"]
    assert why.startswith("not tested: arguments dampening,")
    assert why.endswith("; lr has no default, torch's is 0.001")
    suite = ElementTree.parse(junit).getroot()
    assert suite.find("testcase/failure").attrib["message"] == why


def test_junit_counts_what_fails(tmp_path, write, command):
    report = tmp_path / "report.xml"
    command("check", write(HALF_GRADIENT), "--junit", report)
    suite = ElementTree.parse(report).getroot()
    assert suite.attrib["failures"] == "1"
    assert "factor ½" in suite.find("testcase/failure").attrib["message"]


def test_json_keeps_the_keys_of_its_first_version(write):
    (finding,) = check_file(write(HALF_MSE), [], 60).findings
    assert {*finding} == {
        *("label", "name", "kind", "words", "repair", "case", "input", "expected"),
        *("got", "ulp", "cases", "not_covered"),
    }


NAMED = """
class {name}:
    def __call__(self, input, target):
        self.error = input - target
        return (self.error**2).mean()
    def backward(self):
        return 2 * self.error / self.error.size
"""


@pytest.mark.parametrize("name", ["MyMSE", "MSEloss", "Loss_MeanSquaredError", "mse2"])
def test_what_has_a_known_name_is_judged_as_that(name, write):
    (finding,) = check_file(write(NAMED.format(name=name)), [], 60).findings
    assert (finding["label"], finding["name"]) == (name, "MSELoss")
    assert finding["kind"] in ("equal", "rounding")


@pytest.mark.parametrize(("name", "near"), [("MSELosss", "MSELoss"), ("Squash", "")])
def test_what_has_no_known_name_is_not_judged_and_told_so(name, near, write, command):
    path = write(NAMED.format(name=name))
    (finding,) = check_file(path, [], 60).findings
    assert finding["kind"] == "not judged"
    assert near in finding["repair"]
    assert "--as" in finding["repair"]
    assert command("check", path).exit_code == 2


def test_one_object_with_two_names_is_judged_once(write):
    path = write(NAMED.format(name="MyMSE") + "\nMSELoss = MyMSE\n")
    assert [f["label"] for f in check_file(path, [], 60).findings] == ["MSELoss"]


GUIDE = (ROOT / "docs" / "checking.md").read_text(encoding="utf-8").split("```")[1::2]


def test_the_guide_shows_what_is_printed(write, command):
    path = write(GUIDE[0].removeprefix("python\n"))
    assert command("check", path).stdout == GUIDE[2].removeprefix("\n")
    path = write(GUIDE[3].removeprefix("python\n"))
    *_, meant = GUIDE[4].split()
    assert command("check", path, "--as", meant).stdout == GUIDE[5].removeprefix("\n")
