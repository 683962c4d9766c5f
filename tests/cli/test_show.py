"""`show`: every public name can be shown beside its twin, and what is shown is true."""

import ast
import functools
import html.parser
import inspect
import io
import re
import sys
from itertools import zip_longest

import numpy as np
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

import handmade
import torch_ref
from compare.check import trajectories
from compare.cli import app
from compare.show import docstring, names, page, shorten, source
from compare.show.core import NOTE, core
from compare.show.example import cases_of, example
from compare.show.html import as_html
from compare.show.programs import DRAWS, LEARNERS, NO_EXAMPLE, PROGRAMS
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, reference

NAMES = names.names()
WITH_CASES = [name for name in NAMES if cases_of(name)]
SHORTENED = [name for name in WITH_CASES if source.torch_name(name)]
ALL_ZERO = ("nn.init.zeros_",)
"""Examples whose results are nothing but zeros."""

page_of = functools.cache(page.page)
"""For tests that change nothing in `handmade`."""


def shown(name, width):
    console = Console(width=width, record=True, file=io.StringIO())
    page.show(page_of(name), console)
    return console.export_text()


# -- every name has its page -----------------------------------------------------------


def test_every_public_name_is_listed():
    for module in (*handmade.__all__, *names.SUBMODULES):
        inside = getattr(names.lookup(module), "__all__", None)
        listed = [module] if inside is None else [f"{module}.{n}" for n in inside]
        assert {*listed} <= {*NAMES}


def test_every_name_has_either_a_live_example_or_a_reason_why_not():
    tables = (WITH_CASES, PROGRAMS, LEARNERS, NO_EXAMPLE)
    assert sorted(name for table in tables for name in table) == [*NAMES]


def test_every_class_with_test_cases_is_shown_with_them():
    cases = [*LAYERS, *LOSSES, *OPTIMIZERS]
    assert {case.name for case in cases} == {n.rpartition(".")[2] for n in WITH_CASES}


def test_every_drawn_array_is_used():
    used = {name for program in PROGRAMS.values() for name in DRAWS if name in program}
    assert used == DRAWS.keys()


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_shown_and_both_libraries_agree(name):
    found = page_of(name)
    assert found.handmade
    assert found.torch_ref
    ast.parse(found.handmade)
    ast.parse(found.torch_ref)
    if name in NO_EXAMPLE:
        assert found.example is None
        assert NO_EXAMPLE[name] in " ".join(shown(name, 100).split())
        return
    assert found.example.rows
    assert found.example.verdict.agrees, found.example.verdict.words
    assert all(row.verdict.agrees for row in found.example.rows)
    assert name in ALL_ZERO or any(np.any(row.torch_ref) for row in found.example.rows)


@pytest.mark.parametrize("name", WITH_CASES)
def test_the_verdict_covers_all_cases_and_the_call_builds_one_of_them(name):
    found = page_of(name).example
    assert found.cases == len(cases_of(name))
    for library in (handmade, torch_ref):
        array = np.asarray if library is handmade else torch.tensor
        given = {k.split()[0]: array(a) for k, a in found.given.items()}
        if name.startswith("optim."):
            given = {"parameter": library.nn.Parameter(array(found.given["parameter"]))}
        built = eval(found.call, {"nn": library.nn, "optim": library.optim, **given})
        assert type(built) is names.lookup(name, library)


@pytest.mark.parametrize("name", [n for n in WITH_CASES if n.startswith("nn.")])
def test_a_layers_example_shows_its_gradients(name):
    rows = {row.name for row in page_of(name).example.rows}
    assert "output" in rows
    assert any("gradient" in row for row in rows)


# -- a mistake is seen -----------------------------------------------------------------


def test_a_wrong_derivative_is_shown_as_a_bug(monkeypatch):
    right = handmade.nn.Tanh.backward
    monkeypatch.setattr(
        handmade.nn.Tanh, "backward", lambda self, g: right(self, g) + 1e-6
    )
    found = example("nn.Tanh")
    kinds = {row.name: row.verdict.kind for row in found.rows}
    assert kinds["input gradient"] == found.verdict.kind == "mistake"
    assert kinds["output"] in ("equal", "rounding")


def test_a_mistake_in_a_case_that_is_not_shown_counts(monkeypatch):
    right = handmade.nn.MSELoss.backward

    def wrong(self, grad_output=None):
        factor = 2 if self.reduction == "sum" else 1
        return factor * right(self, grad_output)

    monkeypatch.setattr(handmade.nn.MSELoss, "backward", wrong)
    found = example("nn.MSELoss")
    assert {row.verdict.kind for row in found.rows} == {"equal"}
    assert found.verdict.kind == "mistake"


def test_a_wrong_optimizer_step_is_seen(monkeypatch):
    right = handmade.optim.SGD.updated
    monkeypatch.setattr(
        handmade.optim.SGD, "updated", lambda *args: right(*args) * (1 + 1e-9)
    )
    assert not example("optim.SGD").verdict.agrees


def test_a_wrong_function_is_seen(monkeypatch):
    right = handmade.forward_forward.goodness
    monkeypatch.setattr(handmade.forward_forward, "goodness", lambda x: 2 * right(x))
    assert not example("forward_forward.goodness").verdict.agrees


def test_a_learner_that_takes_two_steps_is_seen(monkeypatch):
    step = handmade.perceptron.Rosenblatt.step

    def twice(self, x, target):
        step(self, x, target)
        return step(self, x, target)

    monkeypatch.setattr(handmade.perceptron.Rosenblatt, "step", twice)
    found = example("perceptron.Rosenblatt")
    assert not found.verdict.agrees
    assert not all(row.verdict.agrees for row in found.rows)


def test_results_of_different_names_are_refused(monkeypatch):
    lines = "y = x  # handmade\nz = x  # torch_ref\n"
    monkeypatch.setitem(PROGRAMS, "metrics.argmax", lines)
    with pytest.raises(ValueError, match=r"handmade gives \['y'\], torch_ref \['z'\]"):
        example("metrics.argmax")


# -- names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("nn.Linear", "nn.Linear"),
        ("handmade.nn.Linear", "nn.Linear"),
        ("torch_ref.optim.SGD", "optim.SGD"),
        ("MSELoss", "nn.MSELoss"),
        ("Rosenblatt", "perceptron.Rosenblatt"),
        ("lr_scheduler.StepLR", "optim.lr_scheduler.StepLR"),
        ("relu", "autodiff.relu"),
        ("ReLU", "nn.ReLU"),
        ("mseloss", "nn.MSELoss"),
        ("manual_seed", "manual_seed"),
    ],
)
def test_a_name_may_be_dotted_or_short(given, meant):
    assert names.resolve(given) == meant


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("MSELos", r"no 'MSELos'; did you mean nn\.MSELoss"),
        ("optim.SDG", r"did you mean optim\.SGD"),
        ("RELU", r"may be autodiff\.relu or nn\.ReLU"),
        ("metrics", "is a module: it has accuracy, argmax"),
        ("qqqqqq", "show --list` names all"),
        ("", "show --list` names all"),
        ("_array", "show --list` names all"),
    ],
)
def test_other_names_are_refused_with_suggestions(given, words):
    with pytest.raises(ValueError, match=words):
        names.resolve(given)


# -- sources and docstrings ------------------------------------------------------------


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("name", ["nn.Conv2d", "optim.AdamW", "search.Annealing"])
def test_a_base_class_that_computes_is_shown_too(name):
    cls = names.lookup(name)
    text = page.page(name, full=True).handmade
    for base in (cls, cls.__mro__[1]):
        for method in ("forward", "backward", "updated", "step", "keeps"):
            if method in vars(base):
                assert squeezed(inspect.getsource(vars(base)[method])) in squeezed(text)
    assert f"class {cls.__mro__[1].__name__}" in text


@pytest.mark.parametrize("name", ["nn.MSELoss", "autodiff.grad", "nn.Linear"])
def test_the_source_is_the_code_without_its_docstring(name):
    thing, text = names.lookup(name), page.page(name, full=True).handmade
    rest = inspect.getsource(thing).replace(f'"""{thing.__doc__}"""', "")
    assert docstring.summary(thing) not in text
    assert squeezed(text) == squeezed(rest)


@pytest.mark.parametrize("name", NAMES)
def test_the_core_is_made_of_lines_of_the_source_and_can_be_parsed(name):
    full, short = source.of_handmade(name), page_of(name).handmade
    ast.parse(short)
    assert {*short.splitlines()} <= {*full.splitlines(), NOTE}
    assert short == full or len(short.splitlines()) < len(full.splitlines()) + 1


def test_the_core_of_a_layer_is_forward_and_backward_without_argument_checks():
    assert page_of("nn.MSELoss").handmade == (
        f"{NOTE}\n"
        "class MSELoss(Loss):\n"
        "    def forward(self, input: Array, target: Array) -> Array:\n"
        "        self.saved = input - target\n"
        "        return self._reduced(xp, self.saved * self.saved)\n\n"
        "    def backward(self, grad_output: Array | None = None) -> Array:\n"
        "        error = self.saved\n"
        "        return 2 * self._grad_losses(grad_output) * error"
    )


def test_the_core_keeps_what_computes():
    code = (
        "def f(x):\n"
        "    xp = check('f', x=x)\n"
        "    if x < 0:\n"
        "        raise ValueError\n"
        "    checked = xp.abs(x)\n"
        "    if checked:\n"
        "        require_shape(x)\n"
        "    return checked"
    )
    assert core(code).splitlines()[1:] == [
        "def f(x):",
        "    checked = xp.abs(x)",
        "    if checked:",
        "        require_shape(x)",
        "    return checked",
    ]
    assert core("x = 1") == "x = 1"


def test_the_core_keeps_the_helpers_of_its_helpers():
    bodies = {"forward": "_a", "_a": "_b", "_b": "_c", "_c": "_c", "_unused": "_b"}
    methods = [f"    def {n}(self):\n        self.{to}()" for n, to in bodies.items()]
    found = core("\n".join(["class Layer:", *methods]))
    assert re.findall(r"def (\w+)", found) == ["forward", "_a", "_b", "_c"]


def test_full_shows_the_argument_checks_and_the_constructor():
    call = CliRunner().invoke
    assert "def __init__" not in call(app, ["show", "Linear"]).output
    full = call(app, ["show", "Linear", "--full"]).output
    assert "def __init__" in full
    assert "check(self, x=x, weight=self.weight.data)" in full


def test_torchs_source_is_torchs_own():
    text = source.of_torch("nn.MSELoss")
    assert "torch_ref re-exports torch.nn.MSELoss" in text
    assert "return F.mse_loss(input, target, reduction=self.reduction)" in text
    assert "torch._C._nn.mse_loss(" in text
    step = "buf.mul_(momentum).add_(grad, alpha=1 - dampening)"
    assert step in source.of_torch("optim.SGD")


@pytest.mark.parametrize("name", ["nn.Step", "perceptron.Rosenblatt", "metrics.purity"])
def test_what_torch_ref_implements_is_shown_as_written(name):
    theirs = names.lookup(name, torch_ref)
    rest = inspect.getsource(theirs).replace(f'"""{theirs.__doc__}"""', "")
    assert squeezed(source.of_torch(name)) == squeezed(rest)


def test_autodiff_shows_its_table_row_and_says_what_torch_compiled():
    assert "torch.exp is compiled" in source.of_torch("autodiff.exp")
    assert "PRIMITIVES['exp'] = _unary(" in source.of_handmade("autodiff.exp")
    assert "def _relu" in source.of_handmade("autodiff.relu")


def some_code(input, weight=None, size_average=None, capturable=False):
    """Nothing of this line."""
    if torch.jit.is_scripting() or size_average is not None:
        raise ValueError("no")
    if capturable and weight is not None:
        weight = weight + 1
    elif not capturable:
        weight = 3
    if weight is None:
        raise ValueError("none")
    return input if not torch.is_complex(input) else input.real


def test_shortening_keeps_the_branches_that_are_taken():
    assert shorten.shortened(some_code) == (
        "def some_code(input, weight=None, size_average=None, capturable=False):\n"
        "    weight = 3\n"
        "    return input"
    )


@pytest.mark.parametrize("name", SHORTENED)
def test_hardly_a_line_of_torchs_is_longer_than_a_terminal(name):
    lines = source.of_torch(name).splitlines()
    assert sum(len(line) > 80 for line in lines) <= 0.05 * len(lines)


def test_a_long_line_is_broken_inside_its_widest_bracket():
    long = "a" * 40
    code = f"x = f(1)\n    y = g(h({long}, '(,'), [{long}, 2], {{3: 4}})[0] if x else 0"
    assert shorten.broken(code) == (
        "x = f(1)\n"
        "    y = g(\n"
        f"        h({long}, '(,'),\n"
        f"        [{long}, 2], {{3: 4}}\n"
        "    )[0] if x else 0"
    )


def torch_results(name):
    """What torch computes in every case of a class."""
    found = []
    for case in cases_of(name):
        if name.startswith("optim."):
            shapes = tuple(shape for shape in case.shapes if shape)
            steps = trajectories.Steps(case.name, kwargs=case.kwargs, shapes=shapes)
            found += trajectories.torchs_path(steps).values()
        else:
            found += reference.torchs(reference.drawn(case)).values()
    return found


def put_back(text, cls, monkeypatch):
    """Let torch run on the source that a page shows of it; how many functions it is."""
    functions = re.split(r"^# (torch\.[\w.]+)\.(\w+)$", text, flags=re.MULTILINE)[1:]
    for module, name, code in zip(*[iter(functions)] * 3, strict=True):
        space = dict(vars(sys.modules[module]))
        exec(code, space)
        (defined,) = [node.name for node in ast.parse(code).body]
        monkeypatch.setattr(sys.modules[module], name, space[defined])
    methods = []
    shown_class = re.search(rf"^class {cls.__name__}\(.*?(?=^\S|\Z)", text, re.M | re.S)
    if shown_class and cls.__module__.startswith("torch."):
        space = dict(vars(sys.modules[cls.__module__]))
        exec(shown_class[0], space)
        methods = inspect.getmembers(space[cls.__name__], inspect.isfunction)
        methods = [m for m in methods if m[0] in vars(space[cls.__name__])]
        for name, function in methods:
            monkeypatch.setattr(cls, name, function)
    return len(functions) // 3 + len(methods)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [*SHORTENED, "optim.NAdam", "optim.Muon"])
def test_torchs_shortened_source_computes_the_same(name, monkeypatch):
    cls = names.lookup(name, torch_ref)
    want = torch_results(name)
    assert put_back(source.of_torch(name), cls, monkeypatch)
    for ours, theirs in zip(torch_results(name), want, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("optim.SGD", "alpha=-lr", "alpha=lr"),
        ("nn.Tanh", "torch.tanh(input)", "torch.sin(input)"),
        ("nn.MSELoss", "_Reduction.get_enum(reduction)", "2"),
    ],
)
def test_a_wrong_line_of_it_would_be_seen(name, right, wrong, monkeypatch):
    text, want = source.of_torch(name), torch_results(name)
    assert right in text
    put_back(text.replace(right, wrong), names.lookup(name, torch_ref), monkeypatch)
    pairs = zip(torch_results(name), want, strict=True)
    assert not all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_sections_are_those_of_the_docstring():
    sections = docstring.sections(handmade.nn.BatchNorm1d)
    assert sections["Shape"].startswith("x and y (n, c)")  # its own
    assert "running statistics follow" in sections["Forward"]  # of its base class
    assert docstring.sections(handmade.autodiff.grad)["Torch"] == "`torch.func.grad`."
    assert docstring.summary(handmade.nn.MSELoss).startswith("Mean squared error")


# -- rendering -------------------------------------------------------------------------


def test_wide_terminals_get_columns_and_narrow_ones_a_stack():
    wide, narrow = shown("nn.Tanh", 200), shown("nn.Tanh", 90)
    beside = [line for line in wide.splitlines() if "class Tanh" in line]
    assert [line.count("class Tanh") for line in beside] in ([2], [1, 1])
    assert re.search(r"^handmade +torch_ref *$", wide, re.MULTILINE)
    assert re.search(r"^handmade ─+$", narrow, re.MULTILINE)
    assert max(map(len, narrow.splitlines())) <= 90
    for text in (wide, narrow):
        parts = ["handmade.nn.Tanh", "formula", "live example", "input gradient"]
        assert [text.index(part) for part in parts] == sorted(map(text.index, parts))
        assert "result of all 2 test cases: " in text


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", ["nn.Linear", "optim.Adam", "descent.descend"])
def test_no_line_of_code_is_broken(name, width):
    found, lines = page_of(name), shown(name, width).splitlines()
    both = [found.handmade.splitlines(), found.torch_ref.splitlines()]
    needed = sum(max(map(len, code)) for code in both) + page.SPACE
    if needed > width:
        for library, code in zip(("handmade", "torch_ref"), both, strict=True):
            (start,) = [i for i, x in enumerate(lines) if x.startswith(f"{library} ──")]
            whole = [line.rstrip() for line in lines[start + 1 :]]
            assert whole[: len(code)] == [line.rstrip() for line in code]
    else:
        rows = zip_longest(*both, fillvalue="")
        start = next(i for i, line in enumerate(lines) if line.startswith("handmade "))
        for line, (ours, theirs) in zip(lines[start + 1 :], rows, strict=False):
            assert line.startswith(ours)
            assert line.rstrip().endswith(theirs.rstrip())


def test_columns_take_the_whole_width_and_only_where_their_lines_fit():
    assert len(shown("descent.descend", 159).splitlines()[0]) == 159
    for width, columns in ((159, True), (158, False)):
        text = shown("descent.descend", width)
        found = re.search(r"^handmade +torch_ref *$", text, re.MULTILINE)
        assert bool(found) is columns


class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [tag] if tag in ("script", "link", "img", "iframe") else []
        self.found += [v for k, v in attrs if k in ("src", "href")]


def test_the_html_needs_no_other_file_and_is_the_same_each_time():
    text = as_html(page_of("nn.Tanh"))
    assert Links(text).found == []
    assert "http" not in text
    assert "<title>nn.Tanh: handmade and torch_ref</title>" in text
    assert text == as_html(page.page("nn.Tanh"))
    assert "input gradient" in text
    assert "∂L/∂x" in text


def test_the_command_shows_writes_and_lists(tmp_path):
    call = CliRunner().invoke
    result = call(app, ["show", "MSELoss"])
    assert result.exit_code == 0
    assert "handmade.nn.MSELoss" in result.output
    file = tmp_path / "page.html"
    result = call(app, ["show", "optim.SGD", "--html", str(file)])
    assert result.exit_code == 0
    assert file.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert call(app, ["show", "--list"]).output.split() == [*NAMES]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["MSELos"], "did you mean nn.MSELoss"),
        ([], "name a class or a function"),
        (["MSELoss", "--html", "/nowhere/page.html"], "/nowhere/page.html"),
    ],
)
def test_a_wrong_request_is_one_line_and_status_2(arguments, words):
    result = CliRunner().invoke(app, ["show", *arguments])
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_difference_is_exit_status_1(monkeypatch):
    right = handmade.nn.Tanh.backward
    monkeypatch.setattr(handmade.nn.Tanh, "backward", lambda s, g: 2 * right(s, g))
    result = CliRunner().invoke(app, ["show", "Tanh"])
    assert result.exit_code == 1
    assert "factor 2" in result.output
