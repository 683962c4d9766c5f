"""The commands as functions, and how a notebook shows their results."""

import dataclasses
import html
import inspect
import json
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
import numpy as np
import pytest
from notebooks import NOTEBOOKS, executed

import compare
from compare import experiments, registry
from compare.cli import app
from compare.trainer import Result
from handmade import nn

CURVES = re.compile(r'src="data:image/png;base64,iVBOR[\w+/=]+"')


# Functions


@pytest.mark.parametrize("name", compare.__all__)
def test_what_compare_offers_is_callable_and_documented(name: str):
    assert callable(getattr(compare, name))
    assert inspect.getdoc(getattr(compare, name))


@pytest.mark.slow
@pytest.mark.parametrize(
    "first",
    [
        "import compare",
        "import compare.check, compare.show",
        "from compare import check, show; import compare",
        "from compare.check.report import as_text; from compare.show import names",
    ],
)
def test_check_and_show_are_packages_and_functions_in_any_import_order(first: str):
    call = (
        "assert compare.show('Tanh').page.name == 'nn.Tanh'",
        "assert compare.check(nn.Tanh).exit_status() == 0",
    )
    again = "from compare import check, show; show('Tanh'); check(nn.Tanh)"
    packages = "import compare.check.report, compare.show.page"
    lines = (first, "import compare", "from handmade import nn", *call, packages, *call)
    subprocess.run([sys.executable, "-c", "\n".join([*lines, again])], check=True)


@pytest.mark.parametrize("name", ["run", "check", "exercises", "template", "board"])
def test_a_command_has_a_function_of_its_name(name: str):
    commands = {c.name or c.callback.__name__ for c in app.registered_commands}
    assert name in commands & set(compare.__all__)


def test_run_takes_the_options_of_the_command():
    (command,) = (
        c.callback for c in app.registered_commands if c.callback.__name__ == "run"
    )
    missing = inspect.signature(command).parameters.keys() - (
        inspect.signature(compare.run).parameters.keys()
    )
    here = {
        "board",
        "context",
        "csv",
        "jobs",
        "lang",
        "distributed",
        "explain",
        "lessons",
        "resume",
    }
    assert missing == here


@pytest.mark.slow
def test_importing_compare_alone_needs_no_torch():
    words = "import sys, compare; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", words], check=True)


def test_what_compare_does_not_offer_is_named():
    with pytest.raises(AttributeError, match="'compare' has no attribute 'ran'"):
        compare.ran  # noqa: B018


# Runs


def test_run_takes_a_name_and_the_options_of_the_command(tmp_path: Path):
    result = compare.run(
        "or_gate", array="torch", dtype="float32", steps=7, seed=5, logdir=tmp_path
    )
    said = json.loads((result.folder / "summary.json").read_text())
    wanted = {"array": "torch", "dtype": "float32", "steps": 7, "seed": 5}
    assert wanted.items() <= said.items()
    assert said["source"].startswith("or_gate#")


@pytest.mark.slow
def test_run_takes_a_file_a_lesson_and_a_table(tmp_path: Path, own_lesson):
    path = own_lesson("steps=3")
    lesson = dataclasses.replace(registry.load("or_gate")[1], steps=3)
    table = tmp_path / "table.csv"
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 2))
    rows = np.column_stack([x, x @ [1.0, 2.0]])
    np.savetxt(table, rows, delimiter=",", header="a,b,y", comments="")
    given = [(path, {}), (Path(path), {}), (lesson, {})]
    given += [(table, {"target": "y", "hidden": (4,)})]
    for one, more in given:
        result = compare.run(one, fast=True, logdir=tmp_path / "runs", **more)
        assert result.ok
    folders = {path.name for path in (tmp_path / "runs").iterdir()}
    assert folders == {"own", "table"}


@pytest.mark.parametrize(
    ("lesson", "options", "message"),
    [
        ("or_gat", {}, "did you mean or_gate"),
        ("data.csv", {}, "target must name the column of data.csv"),
        ("or_gate", {"hidden": (3,)}, "no hidden layers that can be changed"),
        ("or_gate", {"drop": ("x",)}, "target must name the column of or_gate"),
        ("or_gate", {"steps": 0}, "steps must be at least 1"),
        ("or_gate", {"array": "cupy"}, "array"),
        ("or_gate", {"data": "mnist"}, "only its own data"),
    ],
)
def test_a_run_that_makes_no_sense_is_refused_before_anything_is_written(
    lesson: str, options: dict, message: str, tmp_path: Path
):
    with pytest.raises(ValueError, match=message):
        compare.run(lesson, logdir=tmp_path / "runs", **options)
    assert not (tmp_path / "runs").exists()


def test_a_result_shows_verdict_claims_and_both_curves(short_run: Result):
    page = short_run._repr_html_()
    assert html.escape(short_run.verdict.words) in page
    assert page.count("✓") == len(short_run.claims) == 3
    assert CURVES.search(page)


def test_a_failed_result_says_so_and_escapes_html(short_run: Result):
    claims = {"1 < 2 & <b>": (False, "<i>")}
    gone = short_run.folder / "gone"
    bad = dataclasses.replace(
        short_run, claims=claims, status="diverged", reason="step <3>", folder=gone
    )
    page = bad._repr_html_()
    assert "(diverged)" in page
    assert "step &lt;3&gt;" in page
    assert "✗" in page
    assert "1 &lt; 2 &amp; &lt;b&gt;" in page
    assert "<img" not in page


# The other functions


def test_lessons_are_the_files_of_the_folder():
    files = Path(experiments.__path__[0]).glob("[!_]*.py")
    assert sorted(compare.lessons()) == sorted(path.stem for path in files)


class MSELoss:
    """With the ½ that torch's has not."""

    def forward(self, input, target):
        self.error = input - target
        return 0.5 * np.mean(self.error**2)

    def backward(self):
        return self.error / self.error.size


@pytest.mark.slow
def test_check_takes_classes_and_shows_the_same_as_the_command(tmp_path: Path):
    source = f"import numpy as np\n\n\n{inspect.getsource(MSELoss)}"
    path = tmp_path / "mine.py"
    path.write_text(source)
    of_class, of_file = compare.check(MSELoss), compare.check(path, "MSELoss")
    assert of_class.findings == of_file.findings
    assert of_class.exit_status(strict=True) == 1
    assert "MSELoss: convention, factor ½" in of_class._repr_html_()
    assert "case       MSELoss()" in of_class._repr_html_()


def test_check_takes_functions_with_their_partners():
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def sigmoid_backward(grad_output, x):
        return grad_output * sigmoid(x)

    outcome = compare.check(sigmoid, sigmoid_backward)
    (finding,) = outcome.findings
    assert (finding["label"], finding["kind"]) == ("sigmoid", "mistake")


def test_check_shows_why_a_file_cannot_be_checked(tmp_path: Path):
    outcome = compare.check(tmp_path / "<none>.py")
    assert outcome.exit_status() == 2
    assert "there is no file" in outcome._repr_html_()
    assert "&lt;none&gt;" in outcome._repr_html_()


@pytest.mark.parametrize("given", [(), (test_lessons_are_the_files_of_the_folder,)])
def test_check_of_nothing_that_can_be_checked_is_refused(given: tuple):
    with pytest.raises(
        ValueError, match="check takes a file, or classes and functions"
    ):
        compare.check(*given)


def test_check_judges_a_class_by_what_its_name_means():
    class MyTanh(nn.Tanh):
        pass

    (finding,) = compare.check(MyTanh).findings
    assert (finding["label"], finding["name"]) == ("MyTanh", "Tanh")
    assert finding["kind"] in ("equal", "rounding")


def test_check_says_of_what_it_does_not_know_that_it_is_not_judged():
    class Squash(nn.Tanh):
        pass

    (finding,) = compare.check(Squash).findings
    assert finding["kind"] == "not judged"
    with pytest.raises(ValueError, match="got nothing"):
        compare.check()


def test_the_hand_written_classes_pass_their_own_check():
    outcome = compare.check(nn.Tanh, nn.MSELoss)
    assert outcome.exit_status() == 0
    assert len(outcome.findings) == 2


def test_a_template_is_what_the_command_prints():
    assert "class MSELoss" in compare.template("MSELoss")
    with pytest.raises(ValueError, match="MSELoss"):
        compare.template("MSELos")


def test_exercises_are_a_table_that_a_notebook_can_show():
    table = compare.exercises()
    assert table.row_count > 5
    assert {str(cell) for cell in table.columns[-1].cells} <= {"equal", "rounding"}
    assert hasattr(table, "_repr_mimebundle_")


@pytest.mark.slow
def test_a_board_serves_its_link_until_it_is_closed(short_run: Result):
    board = compare.board(logdir=short_run.folder.parent.parent)
    try:
        with urllib.request.urlopen(board.server.url, timeout=100) as answer:
            assert answer.status == 200
        assert 'href="http://127.0.0.1:' in board._repr_html_()
    finally:
        board.close()


# Notebooks


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_afresh_and_shows_the_verdict_and_both_curves(
    path: Path, tmp_path: Path
):
    texts = shown(executed(path, tmp_path))
    runs = [text for text in texts if CURVES.search(text)]
    assert runs
    assert all("equal" in text or "identical" in text for text in runs)
    assert any("MSELoss: convention, factor ½" in text for text in texts)
    assert (tmp_path / "runs" / "or_gate").is_dir()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_kept_outputs_are_whole_and_of_no_machine(path: Path):
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count and cell.outputs for cell in cells if shows(cell))
    text = "\n".join(shown(notebook))
    assert any(CURVES.search(one) for one in shown(notebook))
    text = re.sub(r"base64,[\w+/=]+", "", text)
    assert not re.search(r"/(home|Users|tmp|root|work|usr)/|[A-Z]:\\", text)


def shows(cell: nbformat.NotebookNode) -> bool:
    """Whether the last line of a cell is an expression, which a notebook shows."""
    return not re.match(r"import |\w+ = ", cell.source.splitlines()[-1])


def shown(notebook: nbformat.NotebookNode) -> list[str]:
    """All texts of all outputs."""
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    assert not [o for o in outputs if o.output_type == "error"]
    return [
        t for o in outputs for t in [*o.get("data", {}).values(), o.get("text", "")]
    ]


def test_show_puts_both_sources_into_a_frame():
    shown = compare.show("MSELoss")
    assert shown.page.example.verdict.agrees
    frame = shown._repr_html_()
    assert frame.startswith("<iframe")
    assert "torch_ref" in frame
    with pytest.raises(ValueError, match="MSELoss"):
        compare.show("MSELos")
