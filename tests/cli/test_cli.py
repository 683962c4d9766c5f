"""What the command line answers, and with which exit status."""

import ast
import dataclasses
import io
import json
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner, Result

import handmade
import torch_ref
from compare import experiments, registry
from compare.cli import _results, app, run
from compare.cli._resume import reopen
from compare.tensorboard import address
from compare.trial_run import TrialRun

Write = Callable[..., str]
COMMANDS = [
    command.name or command.callback.__name__ for command in app.registered_commands
]
BASE = "http://127.0.0.1:6006"
SLOW = {"torch", "torch_ref", "matplotlib", "sklearn", "scipy", "tensorboard"}
"""What takes a good part of a second, or more, to import."""
LESSON_FILES = sorted(
    path.stem for path in Path(experiments.__path__[0]).glob("[!_]*.py")
)


def call(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def flat(text: str) -> str:
    """The text without the line breaks of a narrow terminal."""
    return " ".join(text.split())


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., str]:
    """Runs a wrong request; returns the message once it is clear that nothing ran."""

    def run(*words: object) -> str:
        logdir = tmp_path / "runs"
        answer = call("run", *words, "--logdir", logdir)
        assert answer.exit_code == 2
        assert answer.stdout == ""
        assert not logdir.exists()
        return flat(answer.stderr)

    return run


# Help


def test_the_version_is_the_packages():
    assert f"handmade-dl {version('handmade-dl')}, torch" in call("--version").stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str):
    answer = call(command, "--help")
    assert answer.exit_code == 0
    assert f" {command} [OPTIONS]" in answer.stdout


def test_the_help_names_every_command():
    answer = call("--help")
    assert answer.exit_code == 0
    assert all(f"\n  {command} " in answer.stdout for command in COMMANDS)


def test_no_command_at_all_shows_the_help():
    assert "Usage: " in call().output


def modules_loaded_by(*commands: list[str]) -> set[str]:
    """By handmade and these commands, run one after the other in a fresh process."""
    code = (
        "import sys, handmade; from compare.cli import app\n"
        f"for words in {commands}: app(words, standalone_mode=False)\n"
        "sys.stderr.write(repr(sorted(sys.modules)))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return set(ast.literal_eval(answer.stderr))


def test_handmade_and_every_help_load_nothing_that_takes_long():
    helps = [[command, "--help"] for command in COMMANDS]
    assert not modules_loaded_by(["--help"], *helps) & SLOW


# List


def test_the_list_runs_no_lesson(tmp_path: Path):
    modules = modules_loaded_by(["list", "--logdir", str(tmp_path)])
    assert "compare.course" in modules
    # What a run has logged is read by the module that writes TensorBoard's files.
    assert not modules & SLOW - {"tensorboard"}
    assert not [name for name in modules if name.startswith("compare.experiments.")]


def test_the_list_shows_every_lesson_file():
    answer = call("list")
    assert answer.exit_code == 0
    names = {line[1:].split(" ")[0] for line in answer.stdout.splitlines()}
    assert set(LESSON_FILES) <= names


# Runs


def test_a_run_says_how_it_ended_and_where_to_look(tmp_path: Path):
    answer = call("run", "or_gate", "--logdir", tmp_path)
    (folder,) = (tmp_path / "or_gate").iterdir()
    assert answer.exit_code == 0
    assert "or_gate  identical (bit for bit, 150 steps)\n" in answer.stdout
    assert f"  or_gate: {folder / 'report.html'}\n" in answer.stdout
    assert f"  or_gate: {address(BASE, folder)}\n" in answer.stdout


def test_the_numbers_of_a_verdict_are_explained(tmp_path: Path):
    short = call("run", "or_gate", "--fast", "--logdir", tmp_path).stdout
    full = call("run", "or_gate", "--fast", "--explain", "--logdir", tmp_path).stdout
    alone = call("run", "--explain")
    assert alone.exit_code == 0
    assert alone.stdout in full
    assert alone.stdout not in short
    assert "--explain" in short


def test_in_a_terminal_the_address_can_be_clicked_on_too(tmp_path, monkeypatch):
    screen = io.StringIO()
    options = {"force_terminal": True, "color_system": "truecolor", "_environ": {}}
    terminal = Console(file=screen, width=80, highlight=False, **options)
    monkeypatch.setattr(_results, "out", terminal)
    assert call("run", "or_gate", "--logdir", tmp_path, "--steps", 2).exit_code == 1
    (folder,) = (tmp_path / "or_gate").iterdir()
    links = re.findall(
        r"\x1b]8;id=\d+;([^\x1b]*)\x1b\\([^\x1b]*)\x1b]8;;\x1b\\", screen.getvalue()
    )
    report, tab = folder / "report.html", address(BASE, folder)
    assert links == [(tab, tab), (report.as_uri(), str(report))]
    shown = screen.getvalue()
    assert f"python -m compare board or_gate --logdir {tmp_path}\n" in shown


def test_a_check_that_fails_for_want_of_steps_is_excused(tmp_path: Path):
    words = "its checks assume the lesson as it is, not"
    short = call("run", "or_gate", "--logdir", tmp_path, "--steps", 2)
    assert f"or_gate: {words} 2 of 150 steps" in short.stdout
    assert words not in call("run", "or_gate", "--logdir", tmp_path).stdout
    assert words not in call("run", "or_gate", "--fast", "--logdir", tmp_path).stdout


def test_one_lesson_run_to_its_end_tells_its_story(tmp_path: Path, own_lesson: Write):
    lesson = own_lesson("steps=3, story='Lines [bend] where they must.'")
    answer = call("run", lesson, "--logdir", tmp_path)
    assert "\nLines [bend] where they must.\n" in answer.stdout


def test_a_lesson_that_diverged_tells_no_story(tmp_path: Path, own_lesson: Write):
    lesson = own_lesson("start={'weight': math.inf}, story='Lines bend.'")
    answer = call("run", lesson, "--logdir", tmp_path)
    assert answer.exit_code == 1
    assert "Lines bend" not in answer.stdout


def test_fast_runs_give_verdicts_and_say_once_that_checks_were_skipped(
    tmp_path: Path, own_lesson: Write
):
    first, second = own_lesson("steps=3", "first"), own_lesson("steps=3", "second")
    answer = call("run", first, second, "--fast", "--logdir", tmp_path)
    assert answer.exit_code == 0
    assert answer.stdout.count("checks skipped") == 1
    assert "http://" not in answer.stdout
    for name in ("first ", "second"):
        assert f"{name}  identical (bit for bit, 3 steps)\n" in answer.stdout


def test_a_fast_run_that_diverged_says_so(tmp_path: Path, own_lesson: Write):
    lesson = own_lesson("start={'weight': math.inf}")
    answer = call("run", lesson, "--fast", "--logdir", tmp_path)
    assert answer.exit_code == 1
    assert "step 0" in answer.stdout


def test_all_on_other_data_are_those_that_have_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    _, softmax = registry.load("digits_softmax")
    short = dataclasses.replace(softmax, steps=3)
    mine = dataclasses.replace(softmax, other_data={"mine": lambda: short})
    lessons = {"or_gate": registry.load("or_gate")[1], "digits_softmax": mine}
    monkeypatch.setattr(registry, "names", lambda: list(lessons))
    monkeypatch.setattr(registry, "load", lambda name: (name, lessons[name]))
    answer = call("run", "all", "--data", "mine", "--fast", "--logdir", tmp_path)
    assert answer.exit_code == 0
    assert answer.stderr == "skipped (no mine version): or_gate\n"
    assert [path.name for path in tmp_path.iterdir()] == ["digits_softmax"]


def test_progress_is_quiet_where_nobody_looks(tmp_path: Path, own_lesson: Write):
    answer = call("run", own_lesson("steps=3"), "--logdir", tmp_path)
    assert answer.stderr == ""
    assert "\x1b" not in answer.output


def test_a_run_is_summed_up_with_what_was_asked_for(tmp_path: Path, own_lesson: Write):
    words = "--array torch --dtype float32 --steps 7 --seed 5 --threads 2"
    answer = call("run", own_lesson(), *words.split(" "), "--logdir", tmp_path)
    summary = json.loads(next(tmp_path.glob("own/*/summary.json")).read_text())
    assert answer.exit_code == 0
    assert summary["status"] == "finished"
    wanted = {"array": "torch", "dtype": "float32", "steps": 7, "seed": 5, "threads": 2}
    assert wanted.items() <= summary.items()


def test_a_learning_rate_that_is_too_high_makes_a_lesson_diverge(tmp_path: Path):
    for lr, status in (("3", "finished"), ("50", "diverged")):
        answer = call("run", "or_gate", "--lr", lr, "--logdir", tmp_path / lr)
        assert answer.exit_code == 1
        assert "or_gate  equal up to rounding" in answer.stdout
        (summary,) = tmp_path.glob(f"{lr}/or_gate/*/summary.json")
        assert json.loads(summary.read_text())["status"] == status
    assert "or_gate  diverged: step" in answer.stdout
    assert [*tmp_path.glob("3/or_gate/*/curves.png")]


@pytest.mark.parametrize("lesson", ["xor_mlp", "digits_mlp"])
def test_hidden_layers_are_those_that_were_asked_for(lesson: str, tmp_path: Path):
    words = ("--hidden", "5,4", "--fast", "--logdir", tmp_path)
    assert call("run", lesson, *words).exit_code == 0
    (folder,) = tmp_path.glob(f"{lesson}/*")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"status": "failed"}))
    (found,), config = reopen(folder, [])
    for library in (handmade, torch_ref):
        learner = config.adapted(found.experiment).learners["mlp"](library)
        shapes = [p.shape for p in learner.parameters().values() if p.ndim == 2]
        assert [rows for rows, _ in shapes][:-1] == [5, 4]


def test_learning_rate_and_batches_are_those_that_were_asked_for(tmp_path: Path):
    words = "--lr 0.25 --batch-size 2 --accumulate 2 --fast --logdir"
    assert call("run", "or_gate", *words.split(), tmp_path).exit_code == 0
    (folder,) = tmp_path.glob("or_gate/*")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"status": "failed"}))
    (lesson,), config = reopen(folder, [])
    assert (config.lr, config.batch_size, config.accumulate) == (0.25, 2, 2)
    experiment = config.adapted(lesson.experiment)
    trial = TrialRun(experiment, next(iter(experiment.learners)), 0, config, 2)
    next(trial.train())
    for side in trial.lockstep.sides.values():
        assert [group["lr"] for group in side.learner.optimizer.param_groups] == [0.25]
        assert side.learner.micro_batches == 2
    assert len(next(trial.loader)[0]) == 2


@pytest.mark.parametrize(
    ("lesson", "why"),
    [("or_rosenblatt", "has no optimizer"), ("schedulers", "follows a schedule")],
)
def test_a_lesson_whose_learning_rate_cannot_be_set_says_why(
    lesson: str, why: str, tmp_path: Path
):
    answer = call("run", lesson, "--lr", "0.1", "--logdir", tmp_path)
    assert answer.exit_code == 2
    assert why in flat(answer.stderr)


def test_an_id_of_the_course_stands_for_its_lessons(tmp_path: Path):
    answer = call("run", "d8", "--fast", "--logdir", tmp_path)
    assert answer.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"xor_linear", "xor_mlp"}


def test_a_part_of_the_course_without_lessons_names_the_command(
    refused: Callable[..., str],
):
    assert "python -m compare exercises" in refused("B a")


def test_a_run_can_be_opened_in_the_browser(monkeypatch: pytest.MonkeyPatch, tmp_path):
    served = []
    monkeypatch.setattr(run, "serve", lambda *given, **how: served.append(given))
    answer = call("run", "or_gate", "--fast", "--board", "--logdir", tmp_path)
    assert answer.exit_code == 0
    assert served == [(tmp_path, next(tmp_path.glob("or_gate/*")))]


def test_a_check_that_fails_is_named_and_exits_1(tmp_path: Path, own_lesson: Write):
    lesson = own_lesson('claims={"pigs fly": lambda side: (False, "0 pigs")}, steps=3')
    answer = call("run", lesson, "--logdir", tmp_path / "runs")
    assert answer.exit_code == 1
    assert "✗ pigs fly" in flat(answer.stdout)
    assert "0 pigs" in answer.stdout


def test_a_check_that_holds_on_one_side_only_fails(tmp_path: Path, own_lesson: Write):
    claim = 'lambda side: (side.library == "handmade", side.library)'
    lesson = own_lesson(f'claims={{"ours": {claim}}}, steps=3')
    answer = call("run", lesson, "--logdir", tmp_path / "runs")
    assert answer.exit_code == 1
    assert "torch_ref: torch_ref" in flat(answer.stdout)


def test_two_lessons_run_one_after_the_other(tmp_path: Path, own_lesson: Write):
    first, second = own_lesson("steps=3", "first"), own_lesson("steps=3", "second")
    answer = call("run", first, second, "--logdir", tmp_path / "runs")
    assert answer.exit_code == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["first", "second"]


# Requests that cannot be carried out


def test_an_unknown_lesson_suggests_the_nearest(refused: Callable[..., str]):
    assert "no lesson 'or_gat'; did you mean or_gate?" in refused("or_gat")


def test_a_lesson_like_no_other_points_to_the_list(refused: Callable[..., str]):
    assert "no lesson 'qqqqqq'; see `compare list`" in refused("qqqqqq")


@pytest.mark.parametrize("names", [["or_gate"], ["digits_mlp", "or_gate"]])
def test_a_lesson_without_the_data_names_those_that_have_them(
    names: list[str], refused: Callable[..., str]
):
    assert refused(*names, "--data", "mnist") == (
        "error: or_gate has only its own data; "
        "--data mnist works with digits_softmax, digits_mlp, digits_cnn, augmentation"
    )


@pytest.mark.parametrize("name", ["or_gate", "all"])
def test_data_that_no_lesson_has_are_refused(name: str, refused: Callable[..., str]):
    assert "no lesson can be run on data 'mnits'; there are: mnist" in refused(
        name, "--data", "mnits"
    )


def test_one_unknown_lesson_stops_all(refused: Callable[..., str]):
    assert "or_gat'" in refused("or_gate", "or_gat")


@pytest.mark.parametrize("name", ["../or_gate", "/or_gate", "a/b", "or_gate/", "", "."])
def test_a_path_is_no_lesson_name(name: str, refused: Callable[..., str]):
    assert f"no lesson {name!r}" in refused(name)


def test_cuda_is_not_replaced_by_the_cpu(
    refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "finds no CUDA device; use device cpu" in refused(
        "or_gate", "--device", "cuda"
    )


def test_numpy_does_not_run_on_cuda(refused: Callable[..., str]):
    words = ("--array", "numpy", "--device", "cuda")
    assert "use array torch on cuda" in refused("or_gate", *words)


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        ("--steps", "0", "steps must be at least 1, got 0"),
        ("--steps", "-5", "steps must be at least 1, got -5"),
        ("--threads", "0", "threads must be at least 1, got 0"),
        ("--batch-size", "0", "batch_size must be at least 1, got 0"),
        ("--accumulate", "0", "accumulate must be at least 1, got 0"),
        ("--hidden", "3,0", "at least 1 unit each and at most 5000 in all, got [3, 0]"),
        ("--hidden", "5000,1", "at most 5000 in all, got [5000, 1]"),
        ("--hidden", "3", "has no hidden layers that can be changed"),
        ("--lr", "nan", "lr must be a finite number, at least 0, got nan"),
        ("--seed", "-1", "seed must be at least 0, got -1"),
        ("--steps", "many", "'--steps': "),
        ("--array", "cupy", "'cupy' is not one of 'auto', 'numpy', 'torch'"),
        ("--device", "tpu", "'tpu' is not one of 'cpu', 'cuda'"),
        ("--dtype", "float16", "'float16' is not one of 'float32', 'float64'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(
    option: str, given: str, message: str, refused: Callable[..., str]
):
    assert message in refused("or_gate", option, given)


@pytest.mark.parametrize("lesson", ["digits_cnn", "schedulers"])
def test_more_steps_than_a_schedule_is_planned_for_are_refused_before_any_lesson_runs(
    lesson: str, tmp_path: Path
):
    logdir = tmp_path / "runs"
    answer = call("run", "or_gate", lesson, "--steps", "451", "--logdir", logdir)
    assert answer.exit_code == 2
    most = {"digits_cnn": 450, "schedulers": 200}[lesson]
    said = f"can take at most {most} steps, for which its schedule is planned, got 451"
    assert said in flat(answer.stderr)
    assert not logdir.exists()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_in_the_way_of_the_log_folder_is_named(below: str, tmp_path: Path):
    (tmp_path / "taken").write_text("mine")
    logdir = tmp_path / "taken" / below
    answer = call("run", "or_gate", "--logdir", logdir)
    assert answer.exit_code == 2
    assert str(logdir) in flat(answer.stderr)
    assert [p.name for p in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken").read_text() == "mine"


# Lesson files that are none


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "must define one compare.experiment.Experiment, found 0"),
        (
            "from compare.experiments.or_gate import EXPERIMENT as one\n"
            "from compare.experiments.and_gate import EXPERIMENT as two",
            "must define one compare.experiment.Experiment, found 2",
        ),
        ("1 / 0", "failed: ZeroDivisionError: division by zero"),
        ("def", "failed: SyntaxError: "),
        ("import sys; sys.exit(0)", "failed: SystemExit: 0"),
        ("import no_such_module", "No module named 'no_such_module'"),
        (
            "from compare.experiment import Experiment as E\n"
            "E(title='', course=(), heading='', learners={}, steps=1, claims={})",
            "needs at least one learner and one claim",
        ),
    ],
)
def test_a_file_without_a_lesson_says_what_is_wrong(
    source: str, words: str, tmp_path: Path, refused: Callable[..., str]
):
    path = tmp_path / "lesson.py"
    path.write_text(source)
    message = refused(path)
    assert str(path) in message
    assert words in message


BAD_MODEL = """
from compare.experiment import Experiment, backprop

EXPERIMENT = Experiment(
    title="", course=(), heading="", steps=3, claims={"ran": lambda side: (True, "")},
    learners={"bad": backprop(
        model=lambda nn:
            nn.Linear("two", 1),
        loss=lambda nn: nn.MSELoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.1),
    )},
)
"""


def test_an_error_that_came_through_the_lesson_file_names_its_line(tmp_path: Path):
    path = tmp_path / "bad.py"
    path.write_text(BAD_MODEL)
    answer = call("run", path, "--logdir", tmp_path / "runs")
    assert answer.exit_code == 2
    assert f"error: bad ({path}, line 8): " in flat(answer.stderr)


def test_an_error_elsewhere_names_the_lesson_alone(tmp_path: Path, own_lesson: Write):
    lesson = own_lesson("start={'nothing': 1.0}")
    answer = call("run", lesson, "--logdir", tmp_path)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: own: ")


def test_an_error_in_loading_a_lesson_names_the_line(
    tmp_path: Path, refused: Callable[..., str]
):
    path = tmp_path / "lesson.py"
    path.write_text("x = 1\n\n1 / 0\n")
    assert refused(path).endswith("division by zero (line 3)")


def test_a_missing_file_is_named(tmp_path: Path, refused: Callable[..., str]):
    assert f"there is no file {tmp_path / 'lost.py'}" in refused(tmp_path / "lost.py")


def test_a_folder_is_no_lesson(tmp_path: Path, refused: Callable[..., str]):
    (tmp_path / "folder.py").mkdir()
    assert "there is no file" in refused(tmp_path / "folder.py")


def test_a_file_whose_name_is_no_name_for_runs_is_refused(
    tmp_path: Path, refused: Callable[..., str]
):
    path = tmp_path / "my:lesson.py"
    path.write_text("")
    assert "letters, digits and _" in refused(path)


# Templates


def test_a_template_of_nothing_known_points_to_the_list():
    answer = call("template", "Foo")
    assert answer.exit_code == 2
    assert flat(answer.stderr) == (
        "error: there is no template 'Foo'; "
        "`python -m compare template --list` names all"
    )


def test_the_list_of_templates_has_a_name_a_line():
    answer = call("template", "--list")
    assert {"MSELoss", "SGD", "Rosenblatt"} <= set(answer.stdout.splitlines())


# Board


@pytest.mark.slow
@pytest.mark.parametrize(("end", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, 143)])
def test_the_board_prints_its_link_and_takes_its_server_along(
    end: signal.Signals, status: int, tmp_path: Path
):
    command = [sys.executable, "-m", "compare", "board", "--port", "0"]
    with subprocess.Popen(
        [*command, "--logdir", str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as board:
        link = board.stdout.readline()
        board.send_signal(end)
        assert board.wait(timeout=300) == status
    assert link.startswith("TensorBoard: http://127.0.0.1:")
    address = link.removeprefix("TensorBoard: http://").split("/")[0].split(":")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address[0], int(address[1])), timeout=60)


def test_the_board_of_a_lesson_that_never_ran_is_refused(tmp_path: Path):
    answer = call("board", "or_gat", "--logdir", tmp_path, "--port", 0)
    assert answer.exit_code == 2
    assert f"there are no runs of 'or_gat' in {tmp_path}" in flat(answer.stderr)


def test_the_board_of_a_missing_folder_is_refused(tmp_path: Path):
    answer = call("board", "--logdir", tmp_path / "nowhere")
    assert answer.exit_code == 2
    assert f"there is no log folder {tmp_path / 'nowhere'}" in flat(answer.stderr)


@pytest.mark.slow
def test_a_run_that_learns_nothing_is_told_once(tmp_path):
    answer = call("run", "or_gate", "--lr", "0", "--logdir", tmp_path)
    assert answer.exit_code == 1
    assert answer.stdout.count("nothing was learned") == 1
