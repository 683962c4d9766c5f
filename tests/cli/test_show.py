"""A name beside its twin: all of them can be shown, and what is shown is true."""

import ast
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
from compare.show import display, docstring, example, layout, names, source, trimmed
from compare.show.page import example as example_of
from compare.show.page import page
from compare.show.programs import LEARNERS, NO_EXAMPLE, PROGRAMS
from compare.show.programs.program import Program
from compare.testing import LAYERS, LOSSES, OPTIMIZERS, reference

NAMES = names.names()
CASES = [*LAYERS, *LOSSES, *OPTIMIZERS]
ZERO = ("nn.init.zeros_",)
"""What gives nothing but zeros."""


def shown(name, width):
    console = Console(width=width, record=True, file=io.StringIO())
    display.show(page(name), console)
    return console.export_text()


def cased(name):
    return bool(example.cases_of(name))


# -- the law ---------------------------------------------------------------------------


def test_every_public_name_is_listed():
    for module in handmade.__all__:
        inside = getattr(getattr(handmade, module), "__all__", None)
        if inside is None:
            assert module in NAMES
            continue
        assert {f"{module}.{name}" for name in inside} <= {*NAMES}
    for dotted in names.SUBMODULES:
        assert {f"{dotted}.{n}" for n in names.attribute(dotted).__all__} <= {*NAMES}


def test_every_name_has_a_live_example_or_a_reason_why_not():
    ways = {name: [cased(name)] for name in NAMES}
    for table in (PROGRAMS, LEARNERS, NO_EXAMPLE):
        assert table.keys() <= ways.keys(), "a name that there is not"
        for name in NAMES:
            ways[name].append(name in table)
    assert [name for name, way in ways.items() if sum(way) != 1] == []


def test_every_class_with_a_case_is_shown_with_it():
    wanted = {case.name for case in CASES}
    assert wanted == {name.rpartition(".")[2] for name in NAMES if cased(name)}


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_shown_and_both_sides_agree(name):
    found = page(name)
    assert found.handmade
    assert found.torch_ref
    ast.parse(found.handmade)
    ast.parse(found.torch_ref)
    if name in NO_EXAMPLE:
        assert found.example is None
        assert found.no_example in shown(name, 100)
        return
    assert found.example.rows
    assert found.example.verdict.agrees, found.example.verdict.words
    assert all(row.verdict.agrees for row in found.example.rows)
    assert name in ZERO or any(np.any(row.torch_ref) for row in found.example.rows)


@pytest.mark.parametrize("name", [n for n in NAMES if cased(n)])
def test_the_verdict_is_over_all_cases_and_the_call_builds_one_of_them(name):
    found = page(name).example
    assert found.cases == len(example.cases_of(name))
    for library in (handmade, torch_ref):
        array = np.asarray if library is handmade else torch.tensor
        given = {k.split()[0]: array(a) for k, a in found.given.items()}
        if name.startswith("optim."):
            given = {"parameter": library.nn.Parameter(array(found.given["parameter"]))}
        built = eval(found.call, {"nn": library.nn, "optim": library.optim, **given})
        assert type(built) is names.attribute(name, library)


@pytest.mark.parametrize("name", [n for n in NAMES if cased(n) and n[:3] == "nn."])
def test_a_layers_example_shows_its_gradients(name):
    rows = {row.name for row in page(name).example.rows}
    assert "output" in rows
    assert any("gradient" in row for row in rows)


# -- it would be seen ------------------------------------------------------------------


def test_a_wrong_derivative_is_shown_as_a_bug(monkeypatch):
    right = handmade.nn.Tanh.backward
    monkeypatch.setattr(
        handmade.nn.Tanh, "backward", lambda self, g: right(self, g) + 1e-6
    )
    found = example_of("nn.Tanh")
    kinds = {row.name: row.verdict.kind for row in found.rows}
    assert kinds["input gradient"] == found.verdict.kind == "bug"
    assert kinds["output"] in ("equal", "rounding")


def test_a_fault_in_one_case_alone_shows_in_the_verdict(monkeypatch):
    right = handmade.nn.MSELoss.backward

    def wrong(self, grad_output=None):
        factor = 2 if self.reduction == "sum" else 1
        return factor * right(self, grad_output)

    monkeypatch.setattr(handmade.nn.MSELoss, "backward", wrong)
    found = example_of("nn.MSELoss")
    assert {row.verdict.kind for row in found.rows} == {"equal"}
    assert found.verdict.kind == "convention"


def test_a_wrong_step_a_wrong_function_and_a_wrong_rule_are_seen(monkeypatch):
    updated = handmade.optim.SGD.updated
    monkeypatch.setattr(
        handmade.optim.SGD, "updated", lambda *args: updated(*args) * (1 + 1e-9)
    )
    assert not example_of("optim.SGD").verdict.agrees
    goodness = handmade.forward_forward.goodness
    monkeypatch.setattr(handmade.forward_forward, "goodness", lambda x: 2 * goodness(x))
    assert not example_of("forward_forward.goodness").verdict.agrees
    step = handmade.perceptron.Rosenblatt.step

    def twice(self, x, target):
        step(self, x, target)
        return step(self, x, target)

    monkeypatch.setattr(handmade.perceptron.Rosenblatt, "step", twice)
    assert not example_of("perceptron.Rosenblatt").verdict.agrees


def test_results_under_other_names_are_refused(monkeypatch):
    lines = Program("y = x", {"x": lambda rng: np.ones(2)}, theirs="z = x")
    monkeypatch.setitem(PROGRAMS, "metrics.argmax", lines)
    with pytest.raises(ValueError, match=r"handmade gives \['y'\], torch_ref \['z'\]"):
        example_of("metrics.argmax")


# -- names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
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
def test_a_name_may_be_dotted_or_short(said, meant):
    assert names.found(said) == meant


@pytest.mark.parametrize(
    ("said", "words"),
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
def test_other_names_are_refused_and_the_nearest_are_named(said, words):
    with pytest.raises(ValueError, match=words):
        names.found(said)


# -- sources and docstrings ------------------------------------------------------------


def squeezed(text):
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("name", ["nn.Conv2d", "optim.AdamW", "search.Annealing"])
def test_what_a_class_inherits_its_formulas_from_is_shown(name):
    found = names.attribute(name)
    text = page(name).handmade
    for base in (found, found.__mro__[1]):
        for method in ("forward", "backward", "updated", "step", "keeps"):
            if method in vars(base):
                assert squeezed(inspect.getsource(vars(base)[method])) in squeezed(text)
    assert f"class {found.__mro__[1].__name__}" in text


@pytest.mark.parametrize("name", ["nn.MSELoss", "autodiff.grad", "nn.Linear"])
def test_the_source_is_the_code_without_its_docstring(name):
    found, text = names.attribute(name), page(name).handmade
    rest = inspect.getsource(found).replace(f'"""{found.__doc__}"""', "")
    assert docstring.summary(found) not in text
    assert squeezed(text) == squeezed(rest)


def test_torchs_source_is_torchs_own():
    text = source.torchs("nn.MSELoss")
    assert "torch_ref re-exports torch.nn.MSELoss" in text
    assert "return F.mse_loss(input, target, reduction=self.reduction)" in text
    assert "torch._C._nn.mse_loss(" in text
    assert "buf.mul_(momentum).add_(grad, alpha=1 - dampening)" in source.torchs(
        "optim.SGD"
    )


@pytest.mark.parametrize("name", ["nn.Step", "perceptron.Rosenblatt", "metrics.purity"])
def test_what_torch_ref_writes_itself_is_shown_as_written(name):
    theirs = names.attribute(name, torch_ref)
    rest = inspect.getsource(theirs).replace(f'"""{theirs.__doc__}"""', "")
    assert squeezed(source.torchs(name)) == squeezed(rest)


def test_compiled_functions_are_said_to_be_so():
    assert "torch.exp is compiled" in source.torchs("autodiff.exp")
    assert "handmade.autodiff.rules" in source.handmades("autodiff.exp")


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


def test_trimming_takes_the_branches_that_are_taken():
    assert trimmed.trimmed(some_code) == (
        "def some_code(input, weight=None, size_average=None, capturable=False):\n"
        "    weight = 3\n"
        "    return input"
    )


TRIMMED = [n for n in NAMES if cased(n) and source.torch_name(n)]


@pytest.mark.parametrize("name", TRIMMED)
def test_hardly_a_line_of_torchs_is_longer_than_a_terminal(name):
    lines = source.torchs(name).splitlines()
    assert sum(len(line) > 80 for line in lines) <= 0.05 * len(lines)


def test_a_long_line_is_spread_over_its_widest_bracket():
    long = "a" * 40
    code = f"x = f(1)\n    y = g(h({long}, '(,'), [{long}, 2], {{3: 4}})[0] if x else 0"
    assert layout.laid_out(code) == (
        "x = f(1)\n"
        "    y = g(\n"
        f"        h({long}, '(,'),\n"
        f"        [{long}, 2],\n"
        "        {3: 4}\n"
        "    )[0] if x else 0"
    )


def results(name):
    """What torch answers to every case of a class."""
    found = []
    for case in example.cases_of(name):
        if name.startswith("optim."):
            shapes = tuple(shape for shape in case.shapes if shape)
            found += trajectories.torchs_path(case.name, case.kwargs, shapes)
        else:
            found += reference.torchs(reference.drawn(case)).values()
    return found


def shown_functions(text):
    """The functions of torch that a page shows: module, name and source of each."""
    parts = re.split(r"^# (torch\.[\w.]+)\.(\w+)$", text, flags=re.MULTILINE)
    return list(zip(parts[1::3], parts[2::3], parts[3::3], strict=True))


def put_back(text, cls, monkeypatch):
    """Let torch run on the source that a page shows of it, and count its parts."""
    count = 0
    for module, name, code in shown_functions(text):
        space = dict(vars(sys.modules[module]))
        exec(code, space)
        (defined,) = [n.name for n in ast.parse(code).body]
        monkeypatch.setattr(sys.modules[module], name, space[defined])
        count += 1
    shown_class = re.search(rf"^class {cls.__name__}\(.*?(?=^\S|\Z)", text, re.M | re.S)
    if shown_class and cls.__module__.startswith("torch."):
        space = dict(vars(sys.modules[cls.__module__]))
        exec(shown_class[0], space)
        methods = vars(space[cls.__name__]).items()
        for method, function in [m for m in methods if inspect.isfunction(m[1])]:
            monkeypatch.setattr(cls, method, function)
            count += 1
    return count


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", [*TRIMMED, "optim.NAdam", "optim.Muon"])
def test_what_is_left_of_torchs_source_computes_the_same(name, monkeypatch):
    cls = names.attribute(name, torch_ref)
    want = results(name)
    assert put_back(source.torchs(name), cls, monkeypatch)
    for ours, theirs in zip(results(name), want, strict=True):
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
    text, want = source.torchs(name), results(name)
    assert right in text
    put_back(text.replace(right, wrong), names.attribute(name, torch_ref), monkeypatch)
    pairs = zip(results(name), want, strict=True)
    assert not all(np.array_equal(ours, theirs) for ours, theirs in pairs)


def test_sections_are_those_of_the_docstring():
    found = docstring.sections(handmade.nn.BatchNorm1d)
    assert found["Shape"].startswith("x and y (n, c)")  # its own
    assert "running statistics follow" in found["Forward"]  # of the class above
    assert docstring.sections(handmade.autodiff.grad)["Torch"] == "`torch.func.grad`."
    assert docstring.summary(handmade.nn.MSELoss).startswith("The squared difference")


# -- what is seen ----------------------------------------------------------------------


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
        assert "verdict over all its 2 cases: " in text


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", ["nn.Linear", "optim.Adam", "descent.descend"])
def test_no_line_of_code_is_broken(name, width):
    found, lines = page(name), shown(name, width).splitlines()
    both = [found.handmade.splitlines(), found.torch_ref.splitlines()]
    room = sum(max(map(len, code)) for code in both)
    if room + display.GAP > width:
        for wing, code in zip(("handmade", "torch_ref"), both, strict=True):
            (start,) = [i for i, x in enumerate(lines) if x.startswith(f"{wing} ──")]
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
        assert (
            bool(re.search(r"^handmade +torch_ref *$", text, re.MULTILINE)) is columns
        )


class Links(html.parser.HTMLParser):
    found: list[str]

    def handle_starttag(self, tag, attrs):
        self.found += [tag] if tag in ("script", "link", "img", "iframe") else []
        self.found += [v for k, v in attrs if k in ("src", "href")]


def test_the_page_needs_nothing_else_and_is_the_same_each_time():
    text = display.as_html(page("nn.Tanh"))
    links = Links()
    links.found = []
    links.feed(text)
    assert links.found == []
    assert "http" not in text
    assert "<title>nn.Tanh: handmade and torch_ref</title>" in text
    assert text == display.as_html(page("nn.Tanh"))
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
    ("asked", "words"),
    [
        (["MSELos"], "did you mean nn.MSELoss"),
        ([], "name a class or a function"),
        (["MSELoss", "--html", "/nowhere/page.html"], "/nowhere/page.html"),
    ],
)
def test_a_wrong_request_is_one_line_and_status_2(asked, words):
    result = CliRunner().invoke(app, ["show", *asked])
    assert result.exit_code == 2
    assert words in result.output
    assert "Traceback" not in result.output


def test_a_difference_is_exit_status_1(monkeypatch):
    right = handmade.nn.Tanh.backward
    monkeypatch.setattr(handmade.nn.Tanh, "backward", lambda s, g: 2 * right(s, g))
    result = CliRunner().invoke(app, ["show", "Tanh"])
    assert result.exit_code == 1
    assert "factor 2" in result.output
