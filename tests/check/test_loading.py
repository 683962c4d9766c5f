"""Files as people have them: scripts, notebooks, packages, in several encodings."""

import json

import pytest

from compare.check.process import check_file

RELU = """
class ReLU:
    def forward(self, x):
        self.x = x
        return x * (x > 0)
    def backward(self, grad_output):
        return grad_output * (self.x > 0)
"""
RIGHT = ("equal", "rounding")
pytestmark = pytest.mark.usefixtures("in_process")


def kinds(path, seconds=10):
    """The kind of each finding by its label, and the whole outcome."""
    outcome = check_file(path, [], seconds)
    return {f["label"]: f["kind"] for f in outcome.findings}, outcome


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("open('no_such_file.csv')", "FileNotFoundError"),
        ("answer = input('Go on?')", "input"),
        ("import sys; sys.exit()", "sys.exit"),
        ("while True: pass", "did not end within 0.5 s"),
        ("import no_such_package", "no_such_package"),
        ("[1, 2][5]", "IndexError"),
        ("def train():\n    raise KeyboardInterrupt\ntrain()", "KeyboardInterrupt"),
    ],
)
def test_what_stands_around_a_failing_line_is_judged_and_the_line_named(
    statement, words, write, monkeypatch
):
    def input(prompt):
        raise EOFError

    monkeypatch.setattr("builtins.input", input)
    rest = "SLOPE = 1.0\nimport numpy as np\nMSE = ReLU\nprint(np.zeros(3))\n"
    after = "def f(x): return np.cos(x) * SLOPE\ndef grad_f(x): return -np.sin(x)\n"
    line = 1 + (RELU + statement).count("\n")
    found, outcome = kinds(write(f"{RELU}{statement}\n{rest}{after}"), 0.5)
    assert {*found} == {"ReLU", "f"}
    assert {*found.values()} <= {*RIGHT}
    assert outcome.exit_status() == 0
    (note,) = outcome.hints
    assert f"line {line} " in note
    assert words in note
    assert "__main__" in note


def test_what_needs_what_did_not_run_is_not_judged(write):
    source = "WEIGHTS = open('no_such_file.csv').read()\n" + RELU.replace(
        "x * (x > 0)", "x * (x > len(WEIGHTS))"
    )
    found, outcome = kinds(write(source))
    assert found == {"ReLU": "not judged"}
    assert outcome.exit_status() == 2


def test_an_import_in_a_try_still_runs_after_a_failing_line(write):
    rest = "try:\n    import numpy\nexcept ImportError:\n    numpy = None\n"
    use = RELU.replace("x * (x > 0)", "numpy.maximum(x, 0)")
    found, _ = kinds(write(f"1 / 0\n{rest}{use}"))
    assert found == {"ReLU": "equal"}


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
def test_a_file_in_any_common_encoding_is_read(encoding, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(f"# größer als null\n{RELU}", encoding=encoding)
    assert kinds(path)[0] == {"ReLU": "equal"}


def test_a_declared_encoding_is_kept(tmp_path):
    path = tmp_path / "mine.py"
    text = f"# -*- coding: cp1252 -*-\nassert len('€') == 1\n{RELU}"
    path.write_text(text, encoding="cp1252")
    found, outcome = kinds(path)
    assert found == {"ReLU": "equal"}
    assert not outcome.hints


def test_future_imports_hold_for_the_whole_file(write):
    source = f"from __future__ import annotations\ndef g(x: NoSuch): pass\n{RELU}"
    found, outcome = kinds(write(source))
    assert found == {"ReLU": "equal"}
    assert not outcome.hints


def notebook(*cells):
    code = [
        {"cell_type": "code", "source": text.splitlines(keepends=True)}
        for text in cells
    ]
    book = {"cells": [{"cell_type": "markdown", "source": ["# f(:"]}, *code]}
    return json.dumps(book | {"nbformat": 4, "nbformat_minor": 5})


def test_the_code_cells_of_a_notebook_are_judged(write):
    cells = [
        "%matplotlib inline\n!pip list\nimport numpy as np\n",
        "%%bash\nls\n",
        RELU,
    ]
    found, outcome = kinds(write(notebook(*cells), "mine.ipynb"))
    assert found == {"ReLU": "equal"}
    assert not outcome.hints


def test_a_cell_that_fails_or_is_no_python_is_named(write):
    cells = ["x = (1,\n", "\ny = no_such_name\n", RELU]
    found, outcome = kinds(write(notebook(*cells), "mine.ipynb"))
    assert found == {"ReLU": "equal"}
    assert "cell 2, syntax error" in outcome.hints[0]
    assert "cell 3, line 2 fails" in outcome.hints[0]


def test_what_is_no_notebook_is_told_so(write):
    for text in ("{", "[]", "{}", '{"cells": 3}'):
        _, outcome = kinds(write(text, "mine.ipynb"))
        assert "no Jupyter notebook" in outcome.problem
        assert outcome.exit_status() == 2


def test_a_file_imports_from_its_package_and_from_its_folder(tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    inner = tmp_path / "course" / "layers"
    inner.mkdir(parents=True)
    for folder in (inner, inner.parent):
        (folder / "__init__.py").touch()
    (inner / "masks.py").write_text("def mask(x): return x > 0\n", encoding="utf-8")
    (inner.parent / "base.py").write_text("class Base: pass\n", encoding="utf-8")
    use = RELU.replace("(x > 0)", "mask(x)")
    for number, line in enumerate(
        (
            "from .masks import mask; from ..base import Base",
            "from course.layers.masks import mask; import course.base",
            "from masks import mask",
        )
    ):
        path = inner / f"mine{number}.py"
        path.write_text(f"{line}\n{use}", encoding="utf-8")
        found, outcome = kinds(path)
        assert found == {"ReLU": "equal"}, outcome


def test_a_relative_import_works_without_an_init_file(tmp_path):
    folder = tmp_path / "plain"
    folder.mkdir()
    (folder / "plainmask.py").write_text("def mask(x): return x > 0\n", "utf-8")
    path = folder / "mine.py"
    use = RELU.replace("(x > 0)", "mask(x)")
    path.write_text(f"from .plainmask import mask\n{use}", encoding="utf-8")
    assert kinds(path)[0] == {"ReLU": "equal"}


ODD = """
import enum, sys
import numpy as np
class Config(dict):
    def __getattr__(self, name): return self[name]
    def __call__(self): raise RuntimeError("never called")
class Angry:
    def __getattribute__(self, name): raise RuntimeError("never touched")
    def __call__(self): raise RuntimeError("never called")
class Phase(enum.Enum):
    forward = 1
    backward = 2
config, mse_loss, relu, sys_again = Config(), Angry(), Angry(), sys
Phase.forward.__call__ = None
array = np.zeros(3)
"""


def test_odd_objects_at_top_level_are_not_touched(write):
    found, outcome = kinds(write(ODD + RELU))
    assert found == {"ReLU": "equal"}
    assert not outcome.problem


@pytest.mark.parametrize(
    ("backward", "words"),
    [
        ("import torch\n        y, = torch.autograd.grad(self.t, self.leaf, "
         "torch.tensor(grad_output))\n        return y.numpy()", "torch.autograd.grad"),
        ("import torch\n        self.t.backward(torch.tensor(grad_output))\n"
         "        return self.leaf.grad.numpy()", "torch.autograd.backward"),
    ],
)  # fmt: skip
def test_autograd_as_the_gradient_is_named(backward, words, write):
    source = f"""
import torch
class Tanh:
    def forward(self, x):
        self.leaf = torch.tensor(x, requires_grad=True)
        self.t = torch.tanh(self.leaf)
        return self.t.detach().numpy()
    def backward(self, grad_output):
        {backward}
"""
    outcome = check_file(write(source))
    (finding,) = outcome.findings
    assert finding["kind"] == "convention"
    assert f"not written by hand: {words}" in finding["words"]
    assert outcome.exit_status() == 0
    assert outcome.exit_status(strict=True) == 1


def test_a_subclass_of_handmades_own_class_is_named(write):
    source = """
import numpy as np
import handmade.nn
class MSELoss(handmade.nn.MSELoss): pass
class Tanh(handmade.nn.Tanh):
    def forward(self, x): return super().forward(x)
class ReLU(handmade.nn.Module):
    def forward(self, x):
        self.saved = x > 0
        return x * self.saved
    def backward(self, grad_output):
        return grad_output * self.saved
"""
    outcome = check_file(write(source))
    found = {f["label"]: f for f in outcome.findings}
    for label in ("MSELoss", "Tanh"):
        assert found[label]["kind"] == "convention"
        assert "not written by hand" in found[label]["words"]
    assert found["ReLU"]["kind"] == "equal"


def test_what_a_file_replaces_in_numpy_is_put_back_and_told(write):
    source = f"""
import numpy as np, torch
np.abs = np.max = lambda *a, **k: 0.0
torch.tanh = torch.sigmoid
{RELU.replace("grad_output * (self.x > 0)", "grad_output * (self.x > 0) * 2")}
"""
    found, outcome = kinds(write(source))
    assert found == {"ReLU": "mistake"}
    assert "numpy.max" in outcome.hints[0]
    assert "torch.tanh" in outcome.hints[0]
