"""Templates are refused until they are filled in, and then pass."""

import ast
import inspect
from textwrap import indent

import pytest
from parameters import first_of_each

from compare.check.process import check_file
from compare.templates import class_of, names, template


def test_an_unfilled_template_is_told_once(find_one):
    for name, method in (("Conv2d", "forward"), ("Adam", "step")):
        found = find_one(template(name))
        assert (found.kind, found.words) == ("wrong", f"not written yet: {method}")
        assert found.not_tested == []


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
        "for p in (p for p in self.params if p.grad is not None):",
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
def test_a_template_filled_in_is_driven_in_all_cases(name, write, in_process):
    source, line = template(name), '        raise NotImplementedError("TODO")\n'
    for body in "\n".join(WORK[name]).split("\n---\n"):
        source = source.replace(line, indent(body, 8 * " ") + "\n", 1)
    outcome = check_file(write(source), [], 60)
    (found,) = outcome.findings
    assert found["kind"] in ("equal", "rounding"), found["words"]
    assert outcome.exit_status(strict=True) == 0, found["not_covered"]


@pytest.mark.parametrize(
    "name", first_of_each(names(), lambda n: class_of(n).__module__)
)
def test_a_template_is_refused_until_it_is_filled_and_then_passes(name, find):
    empty = find(template(name))
    filled = find(template(name, solution=True))
    assert any(f.kind == "wrong" for f in empty)
    assert all(f.kind in ("equal", "rounding") for f in filled)
    assert "TODO" in template(name)
    assert "TODO" not in template(name, solution=True)
    if name != "Identity":
        assert "Forward:" in template(name) or "Shape:" in template(name)


def test_an_unknown_template_suggests_the_nearest(command):
    result = command("template", "MSELos")
    assert result.exit_code == 2
    assert "did you mean MSELoss?" in result.stderr
