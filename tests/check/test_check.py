"""The checker names every shipped mistake, accepts right variants, and survives."""

import ast
import inspect
import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from textwrap import indent
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import handmade
from compare import assert_matches
from compare.check.checker import check
from compare.check.repairs import REPAIRS
from compare.check.sandbox import check_file
from compare.check.subjects import find
from compare.cli import app
from compare.templates import class_of, names, template

HERE = Path(__file__).parent
WRONG = sorted((HERE / "wrong").glob("*.py"))
RIGHT = sorted((HERE / "right").glob("*.py"))
HANDMADE = Path(handmade.__file__).parent
HELPERS = {"init", "module", "utils", "optimizer", "lr_scheduler"}
"""Files of nn and optim in which there is nothing to check."""
OURS = sorted(
    path
    for folder in ("nn", "optim")
    for path in (HANDMADE / folder).glob("[!_]*.py")
    if path.stem not in HELPERS
)
OURS += [
    HANDMADE / f"{name}.py"
    for name in ("descent", "forward_forward", "perceptron", "search")
]


def loaded(path):
    spec = spec_from_file_location(f"gallery_{path.stem}", path)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def findings(path):
    return [check(subject) for subject in find(loaded(path))]


def compare(*args):
    return CliRunner().invoke(app, [str(a) for a in args])


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_a_wrong_implementation_is_rejected_and_diagnosed(path):
    wanted = loaded(path).DIAGNOSIS
    (found,) = findings(path)
    assert found.kind == ("bug" if wanted == "bug" else "convention"), found.words
    assert wanted == "bug" or found.words.startswith(f"{wanted}: "), found.words
    assert found.repair == REPAIRS.get(wanted, "")


@pytest.mark.parametrize("path", RIGHT, ids=lambda p: p.stem)
def test_a_right_variant_is_accepted(path):
    (found,) = findings(path)
    assert found.kind in ("equal", "rounding"), found.words
    assert found.cases > 0


def test_the_gallery_is_large_and_names_every_mistake():
    named = {loaded(path).DIAGNOSIS for path in WRONG}
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 20
    assert named - {"bug"} == {*REPAIRS}


@pytest.mark.parametrize("path", OURS, ids=lambda p: p.stem)
def test_our_own_files_pass_by_the_same_door(path):
    outcome = check_file(path, [], 60)
    assert outcome.problem == ""
    assert outcome.findings
    assert outcome.exit_status(strict=True) == 0, outcome.findings


def test_our_own_files_are_all_there():
    assert len(OURS) == 29


def written(tmp_path, source, name="mine.py"):
    path = tmp_path / name
    path.write_text(source, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(:\n", "syntax error in line 1"),
        ("\0", "source code string cannot contain null bytes"),
        ("import no_such_package\n", "needs the package 'no_such_package'"),
        ("x = 1\n", "nothing to check: define a class named as in handmade.nn"),
        ("import sys; sys.exit(3)\n", "calls sys.exit while it is loaded"),
        ("import os; os._exit(0)\n", "while it was loaded, it ended the process"),
        ("1 / 0\n", "fails while it is loaded: ZeroDivisionError"),
        ("while True: pass\n", "while it was loaded, it did not end within 4 s"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_said_plainly(tmp_path, source, words):
    seconds = 4 if "while" in source else 60  # loading torch may take long itself
    result = compare("check", written(tmp_path, source), "--timeout", seconds)
    assert result.exit_code == 2
    assert words in result.stderr
    assert "None" not in result.stderr


def test_a_missing_file_and_an_unknown_name_are_usage_errors(tmp_path):
    assert "there is no file" in compare("check", tmp_path / "none.py").stderr
    path = written(tmp_path, "def f(x): return x*x\ndef grad_f(x): return 2*x\n")
    result = compare("check", path, "g")
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


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("\n        while True: pass", "did not end within 6 s"),
        ("sys.exit(0)", "raises SystemExit"),
        ("os._exit(0)", "ended the process with status 0"),
        ("os.abort()", "ended the process with status -6"),
        ("raise ValueError('no')", "raises ValueError: no"),
    ],
)
def test_what_hangs_exits_or_crashes_is_a_bug_and_the_rest_is_still_checked(
    tmp_path, what, words
):
    outcome = check_file(written(tmp_path, BAD_COMPANY.format(what=what)), [], 6)
    relu, f = outcome.findings
    assert relu["kind"] == "bug"
    assert words in relu["words"]
    assert f["kind"] in ("equal", "rounding")
    assert outcome.exit_status() == 1


BADLY_CALLED = """
import numpy as np
class Tanh:
    def forward(self, x, y): return x
    def backward(self, grad_output): return grad_output
class SGD:
    def __init__(self, params, lr=0.001): self.lr = lr
    def step(self, theta, grad): return theta - self.lr * grad
class ReLU:
    def forward(self, x):
        self.y = np.maximum(x, 0)
        return self.y
    def backward(self, grad_output):
        return grad_output * self.z
def f(x): return x.real + x.missing
def grad_f(x): return 1.0
def g(x): return (x**2).sum()
def grad_g(x): return 2 * x + missing
def sigmoid(x): return 1 / (1 + np.exp(-x))
def sigmoid_backward(grad_output): return grad_output
"""


def test_what_raises_is_told_with_its_line_or_with_the_form_that_is_asked_for(tmp_path):
    outcome = check_file(written(tmp_path, BADLY_CALLED), [], 60)
    found = {finding["label"]: finding for finding in outcome.findings}
    for name in ("Tanh", "SGD"):
        assert found[name]["words"].startswith("raises TypeError")
        assert f"compare template {name}" in found[name]["repair"]
    assert found["ReLU"]["words"].startswith("line 14 raises AttributeError")
    assert found["ReLU"]["repair"] == ""
    assert found["ReLU"]["not_covered"] == []  # it is said once
    assert "line 15 raises AttributeError" in found["f"]["words"]
    assert "line 18 raises NameError" in found["g"]["words"]
    assert "partner is given grad_output" in found["sigmoid"]["repair"]


def test_a_printing_file_does_not_spoil_the_json(tmp_path):
    path = written(tmp_path, BAD_COMPANY.format(what="print(x); return x * (x > 0)"))
    result = compare("check", path, "f", "--json")
    report = json.loads(result.stdout)
    assert report["exit_status"] == result.exit_code == 0
    assert [finding["label"] for finding in report["findings"]] == ["f"]


HALF_MSE = """
class MSELoss:
    def __call__(self, input, target):
        self.error = input - target
        return 0.5 * (self.error**2).mean()
    def backward(self):
        return self.error / self.error.size
"""


def test_a_convention_comes_with_its_name_repair_input_expected_and_got(tmp_path):
    result = compare("check", written(tmp_path, HALF_MSE))
    assert result.exit_code == 1
    assert "MSELoss: convention, factor ½: output" in result.stdout
    for word in ("repair", "multiply by 2", "input", "expected", "got"):
        assert word in result.stdout


README = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
GUIDE = (HERE.parents[1] / "docs" / "checking.md").read_text(encoding="utf-8")
SAID = README.partition("## Check your own")[2].partition("\n## ")[0] + GUIDE
BLOCKS = SAID.split("```")[1::2]


def test_the_readme_shows_what_is_printed(tmp_path):
    _, source, printed, _ = BLOCKS
    path = written(tmp_path, source.removeprefix("python\n"))
    assert compare("check", path).stdout.strip() == printed.strip()


def test_the_readmes_test_passes_and_fails_on_a_wrong_slope():
    source = BLOCKS[3].removeprefix("python\n")
    for code in (source, source.replace("1 - self.y**2", "1 - self.y")):
        place = {}
        exec(code, place)
        if code is source:
            place["test_my_tanh_is_torchs"]()
        else:
            with pytest.raises(AssertionError, match="gradient of input 0"):
                place["test_my_tanh_is_torchs"]()


LINEAR = """
class Linear:
    def __init__(self, a, b):
        self.{weight} = self.bias = None
        self.{gradient} = self.bias_grad = 0
    def forward(self, x):
        self.x = x
        return x @ self.{weight}.T + self.bias
    def backward(self, g):
        self.{gradient} += g.T @ self.x
        self.bias_grad += g.sum(0)
        return g @ self.{weight}
"""


@pytest.mark.parametrize(
    ("weight", "gradient", "words"),
    [
        ("W", "weight_grad", "it has no parameter 'weight'; parameters are named as"),
        ("weight", "gW", "the gradient of its weight was not found after backward; ca"),
        (
            "W",
            "W_grad",
            "it has no parameter 'weight'; parameters are named as in torch",
        ),
    ],
)
def test_a_parameter_that_is_not_found_is_said_first(weight, gradient, words, tmp_path):
    source = LINEAR.format(weight=weight, gradient=gradient)
    (found,) = findings(written(tmp_path, source))
    assert found.kind == "bug"
    assert found.words.startswith(words)
    assert not any(words[:28] in line for line in found.not_covered)


def test_parameters_of_other_names_are_told_with_their_shapes(tmp_path):
    source = """
import numpy as np
class Linear:
    def __init__(self, inputs, outputs):
        self.W, self.params = np.zeros((inputs, outputs)), {"b": np.zeros(outputs)}
    def forward(self, x):
        return x @ self.W + self.params["b"]
    def backward(self, g):
        return g @ self.W.T
"""
    (found,) = findings(written(tmp_path, source))
    assert found.words.endswith(
        "named as in torch: weight (2, 3), bias (2,); found: W (3, 2), params['b'] (2,)"
    )


@pytest.mark.parametrize("gradient", ["grad_weight", "dweight", "d_weight"])
def test_a_parameters_gradient_is_found_under_several_names(gradient, tmp_path):
    source = LINEAR.format(weight="weight", gradient=gradient)
    (found,) = findings(written(tmp_path, source))
    assert found.kind in ("equal", "rounding"), found.words


def test_an_unfilled_template_is_told_once(tmp_path):
    for name, words in (("Conv2d", "forward"), ("Adam", "step")):
        (found,) = findings(written(tmp_path, template(name), f"{name}.py"))
        assert (found.kind, found.words) == ("bug", f"not written yet: {words}")
        assert found.not_covered == []


def test_what_is_not_covered_is_grouped(tmp_path):
    source = """
import numpy as np
class Softmax:
    def forward(self, x):
        if x.ndim > 2 or not x.size:
            raise ValueError("only " + 40 * "full rows " + "here")
        e = np.exp(x - x.max(-1, keepdims=True))
        self.y = e / e.sum(-1, keepdims=True)
        return self.y
    def backward(self, g):
        return self.y * (g - (g * self.y).sum(-1, keepdims=True))
"""
    (found,) = findings(written(tmp_path, source))
    arguments, *messages = found.not_covered
    assert arguments == "argument dim"
    assert len({m.partition(" (")[0] for m in messages}) == len(messages)
    assert all("full rows … (" in m for m in messages if "ValueError" in m)


def test_an_optimisers_report_tells_parameter_and_step(tmp_path):
    source = """
class SGD:
    def __init__(self, params, lr=1e-3): self.params, self.lr = params, lr
    def step(self):
        for p in self.params: p.data = p.data - self.lr * p.grad * (1 + 1e-7)
"""
    result = compare("check", written(tmp_path, source))
    assert "gradient of params[0] at step 1 = " in result.stdout
    (found,) = findings(tmp_path / "mine.py")
    assert found.expected.startswith("params[0] = ")
    assert found.expected != found.got


@pytest.mark.parametrize(("factor", "shown"), [(1 + 1e-11, True), (1.5, False)])
def test_only_a_small_distance_is_printed(factor, shown, tmp_path):
    source = HALF_MSE.replace("0.5 * ", f"{factor!r} * ")
    source = source.replace("return self.error /", "return 2 * self.error /")
    result = compare("check", written(tmp_path, source))
    assert ("ULP" in result.stdout) == shown


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("(self.error**2).mean() + 1", "wrong constant in the value"),
        ("0.5 * (self.error**2).mean()", "value and gradient do not belong together"),
        ("1.000001 * (self.error**2).mean()", "no known pattern"),
    ],
)
def test_only_a_slope_that_was_measured_is_spoken_of(value, name, tmp_path):
    source = HALF_MSE.replace("0.5 * (self.error**2).mean()", value)
    source = source.replace("return self.error /", "return 2 * self.error /")
    (found,) = findings(written(tmp_path, source))
    assert found.words.startswith(f"{name}: output"), found.words


def test_the_failing_case_is_shrunk(tmp_path):
    (finding,) = check_file(written(tmp_path, HALF_MSE), [], 60).findings
    assert finding["input"].count(",") <= 2


def test_what_is_not_covered_fails_only_under_strict(tmp_path):
    source = HALF_MSE.replace("0.5 * ", "").replace(
        "return self.error /", "return 2 * self.error /"
    )
    path = written(tmp_path, source)
    relaxed, strict = compare("check", path), compare("check", path, "--strict")
    assert (relaxed.exit_code, strict.exit_code) == (0, 1)
    assert "no cover  argument reduction" in relaxed.stdout
    why = "--strict fails MSELoss: not covered: argument reduction"
    assert why in strict.stdout
    assert "--strict" not in relaxed.stdout


def test_reports_say_why_strict_fails_what_is_right(tmp_path):
    source = (
        "class SGD:\n def __init__(self, params, lr): self.p, self.lr = params, lr\n"
    )
    source += " def step(self):\n  for p in self.p: p.data = p.data - self.lr * p.grad"
    path, junit = written(tmp_path, source), tmp_path / "report.xml"
    report = compare("check", path, "--strict", "--json", "--junit", junit).stdout
    why = json.loads(report)["failed"]["SGD"]
    assert why.startswith("not covered: arguments dampening,")
    assert why.endswith("; lr has no default, torch's is 0.001")
    suite = ElementTree.parse(junit).getroot()
    assert suite.find("testcase/failure").attrib["message"] == why


def test_another_default_does_not_hide_another_mistake(tmp_path):
    source = """
class SGD:
    def __init__(self, params, lr=0.01, weight_decay=0.0):
        self.p, self.lr, self.decay = params, lr, weight_decay
    def step(self):
        for p in self.p: p.data = p.data - self.lr * p.grad
"""
    (found,) = findings(written(tmp_path, source))
    assert found.words.startswith("weight decay missing: "), found.words
    right = source.replace("p.grad", "(p.grad + self.decay * p.data)")
    (found,) = findings(written(tmp_path, right))
    assert found.words == "other default: default lr is 0.01, torch's is 0.001"


NAMELESS = """
class {name}:
    def __call__(self, input, target):
        self.error = input - target
        return (self.error**2).mean()
    def backward(self):
        return 2 * self.error / self.error.size
"""


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("MyMSE", "MSELoss"),
        ("MSEloss", "MSELoss"),
        ("Relu", "ReLU"),
        ("CrossEntropy", "CrossEntropyLoss"),
        ("LinearLayer", "Linear"),
        ("SGDMomentum", "SGD"),
    ],
)
def test_the_known_name_is_suggested_that_is_nearest_to_an_unknown_one(
    name, meant, tmp_path
):
    path = written(tmp_path, NAMELESS.format(name=name))
    result = compare("check", path)
    hint = f"{name} was not checked: did you mean {meant}? Then name it so, or add "
    assert result.exit_code == 2
    assert f"{hint}`{meant} = {name}` below it" in result.stderr
    assert hint in compare("check", path, name).stderr


@pytest.mark.parametrize("name", ["Net", "Loss", "Squash"])
def test_no_name_is_suggested_where_none_is_near(name, tmp_path):
    said = compare("check", written(tmp_path, NAMELESS.format(name=name))).stderr
    assert f"{name} was not checked: no class of handmade.nn or" in said
    assert f"`NAME = {name}`" in said


def test_what_a_name_was_added_to_is_checked_and_the_rest_is_told(tmp_path):
    source = NAMELESS.format(name="MyMSE") + NAMELESS.format(name="MyL1")
    path = written(tmp_path, f"{source}\nMSELoss = MyMSE\n")
    outcome = check_file(path, [], 60)
    assert [f["label"] for f in outcome.findings] == ["MSELoss"]
    assert outcome.exit_status() == 0
    (hint,) = outcome.hints
    assert hint.startswith("MyL1 was not checked: did you mean L1Loss?")
    assert hint in compare("check", path).stdout


def test_a_function_of_an_unknown_name_is_told_the_nearest(tmp_path):
    source = "def my_relu(x): return x * (x > 0)\n"
    source += "def my_relu_backward(g, x): return g * (x > 0)\n"
    result = compare("check", written(tmp_path, source))
    lines = "`relu = my_relu` and `relu_backward = my_relu_backward`"
    assert lines in result.stderr


def test_the_default_case_must_work(tmp_path):
    source = (
        "class ReLU:\n def forward(s, x): raise OSError\n def backward(s, g): pass\n"
    )
    (finding,) = check_file(written(tmp_path, source), [], 60).findings
    assert finding["kind"] == "bug"


def test_junit_counts_what_fails(tmp_path):
    report = tmp_path / "report.xml"
    compare("check", written(tmp_path, HALF_MSE), "--junit", report)
    suite = ElementTree.parse(report).getroot()
    assert suite.attrib["failures"] == "1"
    assert "factor ½" in suite.find("testcase/failure").attrib["message"]


def test_the_help_warns_that_the_code_is_run():
    said = " ".join(compare("check", "--help").stdout.split())
    assert "CODE IS RUN" in said
    assert "with all your rights" in said


def test_a_gradient_of_another_function_is_caught(tmp_path):
    source = "def f(x): return x**3\ndef grad_f(x): return 2 * x\n"
    (finding,) = check_file(written(tmp_path, source), [], 60).findings
    assert "do not belong together" in finding["words"]


@pytest.mark.parametrize("name", names())
def test_a_template_stands_on_its_own(name):
    tree = ast.parse(template(name))
    imports = [n for n in tree.body if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(n) for n in imports] == ["import numpy as np"]
    (made,) = [n for n in tree.body if isinstance(n, ast.ClassDef)]
    assert (made.name, made.bases) == (name, [])
    place = {}
    exec(template(name), place)
    ours, theirs = (
        [(p.name, p.default) for p in inspect.signature(one).parameters.values()]
        for one in (place[name], class_of(name))
    )
    assert ours == theirs


WORK = {
    "SGD": (
        "for p in self.params:",
        "    g = (-p.grad if self.maximize else p.grad) + self.weight_decay * p.data",
        "    if self.momentum:",
        "        self.v = getattr(self, 'v', {})",
        "        v = self.v.get(id(p), g / (1 - self.dampening) - 0 * g)",
        "        first = id(p) not in self.v",
        "        v = g if first else self.momentum * v + (1 - self.dampening) * g",
        "        self.v[id(p)] = v",
        "        g = g + self.momentum * v if self.nesterov else v",
        "    p.data = p.data - self.lr * g",
    ),
    "Linear": (
        "self.x = x",
        "y = x @ self.weight.T",
        "return y if self.bias is None else y + self.bias",
        "---",
        "x = self.x.reshape(-1, self.x.shape[-1])",
        "g = grad_output.reshape(-1, grad_output.shape[-1])",
        "self.weight_grad = self.weight_grad + g.T @ x",
        "self.bias_grad = self.bias_grad + g.sum(axis=0)",
        "return grad_output @ self.weight",
    ),
    "BatchNorm1d": (
        "axes = (0, *range(2, x.ndim))",
        "row = (1, -1) + (1,) * (x.ndim - 2)",
        "self.axes, self.row, n = axes, row, x.size / max(1, x.shape[1])",
        "self.live = self.training or self.running_mean is None",
        "m, v = (x.mean(axes), x.var(axes)) if x.size else 2 * [x.sum(axes)]",
        "if self.training and self.running_mean is not None:",
        "    self.num_batches_tracked = self.num_batches_tracked + 1",
        "    k = self.momentum",
        "    k = 1 / self.num_batches_tracked if k is None else k",
        "    k = x.dtype.type(k)",
        "    k = k if x.size else x.dtype.type(0)",
        "    self.running_mean = (1 - k) * self.running_mean + k * m",
        "    u = v * x.dtype.type(n / (n - 1 if n else 1))",
        "    self.running_var = (1 - k) * self.running_var + k * u",
        "if not self.live:",
        "    m, v = self.running_mean, self.running_var",
        "self.s = 1 / np.sqrt(v + x.dtype.type(self.eps)).reshape(row)",
        "self.h = (x - m.reshape(row)) * self.s",
        "y = self.h if self.weight is None else self.h * self.weight.reshape(row)",
        "return y if self.bias is None else y + self.bias.reshape(row)",
        "---",
        "g = grad_output",
        "self.weight_grad = self.weight_grad + (g * self.h).sum(self.axes)",
        "self.bias_grad = self.bias_grad + g.sum(self.axes)",
        "g = g if self.weight is None else g * self.weight.reshape(self.row)",
        "if self.live:",
        "    both = g.mean(self.axes), (g * self.h).mean(self.axes)",
        "    mean, slope = (a.reshape(self.row) for a in both)",
        "    g = g - mean - self.h * slope",
        "return g * self.s",
    ),
    "MSELoss": (
        "self.e = input - target",
        "how = {'mean': np.mean, 'sum': np.sum, 'none': np.asarray}[self.reduction]",
        "return how(self.e**2)",
        "---",
        "g = 1 if grad_output is None else grad_output",
        "return 2 * g * self.e / (self.e.size if self.reduction == 'mean' else 1)",
    ),
}
"""What to put in the place of each "TODO"."""


@pytest.mark.parametrize("name", WORK)
def test_a_template_filled_in_is_driven_in_all_cases(name, tmp_path):
    source, line = template(name), '        raise NotImplementedError("TODO")\n'
    for body in "\n".join(WORK[name]).split("\n---\n"):
        source = source.replace(line, indent(body, 8 * " ") + "\n", 1)
    outcome = check_file(written(tmp_path, source), [], 60)
    (found,) = outcome.findings
    assert found["kind"] in ("equal", "rounding"), found["words"]
    assert outcome.exit_status(strict=True) == 0, found["not_covered"]


@pytest.mark.parametrize("name", names())
def test_a_template_is_refused_until_it_is_filled_and_then_passes(name, tmp_path):
    empty = written(tmp_path, template(name), "empty.py")
    filled = written(tmp_path, template(name, solution=True), "filled.py")
    assert any(f.kind == "bug" for f in findings(empty))
    assert all(f.kind in ("equal", "rounding") for f in findings(filled))
    assert "TODO" in template(name)
    assert "TODO" not in template(name, solution=True)
    if name != "Identity":
        assert "Forward:" in template(name) or "Shape:" in template(name)


def test_an_unknown_template_suggests_the_nearest():
    result = compare("template", "MSELos")
    assert result.exit_code == 2
    assert "did you mean MSELoss?" in result.stderr


X = np.random.default_rng(0).normal(size=(4, 3))


class Cube:
    def __call__(self, x):
        self.x = x
        return x * x * x

    def backward(self, grad_output):
        return 3 * self.x * self.x * grad_output


class WrongCube(Cube):
    def backward(self, grad_output):
        return 2 * super().backward(grad_output)


class TorchCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_output):
        return 3 * ctx.saved_tensors[0] ** 2 * grad_output


@pytest.mark.parametrize("x", [X, X.astype(np.float32), torch.from_numpy(X)])
def test_assert_matches_accepts_what_is_right(x):
    for theirs in (lambda t: t**3, TorchCube.apply):
        assert assert_matches(Cube(), theirs, x).agrees
    assert assert_matches(handmade.nn.Tanh(), torch.nn.Tanh(), x).agrees


def test_assert_matches_names_the_convention():
    with pytest.raises(
        AssertionError, match="convention: gradient of input 0: factor 2"
    ):
        assert_matches(WrongCube(), lambda t: t**3, X)


def test_assert_matches_takes_losses_and_functions():
    target = np.ones_like(X)
    assert assert_matches(
        handmade.nn.MSELoss(), torch.nn.functional.mse_loss, X, target
    ).agrees
    product = assert_matches(
        lambda a, b: a * b,
        lambda a, b: a * b,
        X,
        target,
        backward=lambda g: (g * target, g * X),
    )
    assert product.kind == "equal"


def test_assert_matches_wants_a_backward():
    with pytest.raises(TypeError, match="has no backward"):
        assert_matches(lambda x: x, lambda t: t, X)


RIGHT_SCALARS = [
    "import math\ndef f(x): return math.sin(x) * x\n"
    "def grad_f(x): return math.cos(x) * x + math.sin(x)\n",
    "def f(x): return max(0, x)\ndef grad_f(x): return 1.0 if x > 0 else 0.0\n",
    "import math\ndef f(x): return math.log(x)\ndef grad_f(x): return 1 / x\n",
    "def f(x): return 1 / x\ndef grad_f(x): return -1 / x**2\n",
    "import numpy as np\ndef f(x): return np.sqrt(x[0]**2 + x[1]**2)\n"
    "def grad_f(x): return x / np.sqrt(x[0]**2 + x[1]**2)\n",
]
RIGHT_SCALARS.append(
    "import numpy as np\ndef f(x): return np.sum(x**2)\n"
    "def grad_f(x): return np.array([2 * x[0], 2 * x[1]])\n"
)
WRONG_SCALARS = [
    "import math\ndef f(x): return math.exp(x) * x\n"
    "def grad_f(x): return math.exp(x)\n",
    "import math\ndef f(x): return math.log(x)\ndef grad_f(x): return 1 / x**2\n",
    "def f(x): return x**2 if x > 3 else x\ndef grad_f(x): return 1.0\n",
]


@pytest.mark.parametrize("source", RIGHT_SCALARS)
def test_a_right_derivative_is_accepted_whatever_it_is_made_of(source, tmp_path):
    (found,) = findings(written(tmp_path, source))
    assert found.kind in ("equal", "rounding"), found.words


@pytest.mark.parametrize("source", WRONG_SCALARS)
def test_a_wrong_derivative_is_seen_whatever_it_is_made_of(source, tmp_path):
    (found,) = findings(written(tmp_path, source))
    assert found.kind == "convention", found.words


def test_an_unstable_softmax_without_dim_is_seen(tmp_path):
    source = (
        "import numpy as np\n"
        "def softmax(x):\n e = np.exp(x)\n return e / e.sum(-1, keepdims=True)\n"
        "def softmax_backward(g, x):\n y = softmax(x)\n"
        " return y * (g - (g * y).sum(-1, keepdims=True))\n"
    )
    (found,) = findings(written(tmp_path, source))
    assert found.words.startswith("unstable form")


def test_a_loss_may_be_a_python_number(tmp_path):
    source = (
        "class MSELoss:\n"
        " def forward(self, input, target):\n"
        "  self.d = input - target\n  return float((self.d**2).mean())\n"
        " def backward(self):\n  return 2 * self.d / self.d.size\n"
    )
    (found,) = findings(written(tmp_path, source))
    assert found.kind in ("equal", "rounding"), found.words


def test_an_optimiser_needs_no_zero_grad(tmp_path):
    source = (
        "class SGD:\n"
        " def __init__(self, params, lr=1e-3): self.params, self.lr = params, lr\n"
        " def step(self):\n"
        "  for p in self.params: p.data = p.data - self.lr * p.grad\n"
    )
    (found,) = findings(written(tmp_path, source))
    assert found.kind in ("equal", "rounding"), found.words


def test_texts_that_no_report_can_hold_do_no_harm(tmp_path):
    path = written(tmp_path, BAD_COMPANY.format(what="raise OSError('\\ud800\\x00')"))
    report = tmp_path / "report.xml"
    result = compare("check", path, "ReLU", "--json", "--junit", report)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["kind"] == "bug"
    assert ElementTree.parse(report).getroot().attrib["failures"] == "1"


class Doubles(Cube):
    def __call__(self, x):
        x *= 2
        return super().__call__(x)


class Backward:
    def __init__(self, gradients):
        self.gradients = gradients

    def __call__(self, x):
        return 1 * x

    def backward(self, grad_output):
        return self.gradients(grad_output)


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        (Doubles(), "input mutated: input 0"),
        (Backward(lambda g: ()), "backward returned 0 gradients"),
        (Backward(lambda g: [g, g]), "backward returned 2 gradients"),
    ],
)
def test_assert_matches_sees_what_is_beside_the_numbers(ours, words):
    theirs = (lambda t: (2 * t) ** 3) if isinstance(ours, Cube) else (lambda t: 1 * t)
    with pytest.raises(AssertionError, match=words):
        assert_matches(ours, theirs, X.copy())


def test_assert_matches_takes_any_layout_and_integer_targets():
    assert assert_matches(Cube(), lambda t: t**3, X[::-1]).agrees
    target = np.array([0, 2, 1, 1], dtype=np.int32)
    loss, theirs = handmade.nn.CrossEntropyLoss(), torch.nn.functional.cross_entropy
    assert assert_matches(loss, theirs, X, target).agrees


def test_assert_matches_names_another_shape():
    with pytest.raises(AssertionError, match=r"shape \(4, 3, 1\) where \(4, 3\)"):
        assert_matches(
            lambda x: x[..., None], lambda t: 1 * t, X, backward=lambda g: g[..., 0]
        )


def test_a_function_with_torchs_name_is_compared_with_torch_too(tmp_path):
    source = "def relu(x): return 3 * x\ndef grad_relu(x): return 3.0\n"
    (found,) = findings(written(tmp_path, source))
    assert found.kind == "bug"
    assert "torch's is" in found.words
