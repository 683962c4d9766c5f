"""Many files at once, for those who grade: one table, JSON, JUnit, exit codes."""

import json
import os
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest

from compare.check.process import check_file, check_files, find_files

MSE = """
class {name}:
    def __call__(self, input, target):
        self.error = input - target
        return (self.error**2).mean()
    def backward(self):
        return {factor} * self.error / self.error.size
"""
RELU = """
def relu(x): return x * (x > 0)
def relu_backward(grad_output, x): return grad_output * (x > 0)
"""
SQUARE = "def f(x): return x * x\ndef grad_f(x): return 2 * x\n"


@pytest.fixture
def students(tmp_path):
    """A folder of four students: right, wrong, no Python, and a folder of their own."""
    folder = tmp_path / "students"
    (folder / "dora" / ".hidden").mkdir(parents=True)
    files = {
        "anna.py": MSE.format(name="MSELoss", factor=2) + RELU,
        "ben.py": MSE.format(name="MyMSE", factor=1) + RELU,
        "carl.py": "def f(:\n",
        "dora/net.py": MSE.format(name="MSELoss", factor=-2),
        "dora/.hidden/old.py": "1 / 0",
        "dora/notes.txt": "x",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_many_names_fit_into_80_columns(students, command, in_process):
    """Each file and name once, and no name of a mistake broken into many lines."""
    names = ("softmax", "sigmoid", "tanh", "elu", "softplus", "silu", "gelu")
    source = "".join(f"def {n}(x): return 2 * x\n" for n in names)
    for name in ("emil.py", "a_very_long_name_of_a_file_of_some_student.py"):
        (students / name).write_text(source + RELU, encoding="utf-8")
    lines = command("check", students, "--jobs", 1).stdout.splitlines()
    assert max(map(len, lines[:-2])) <= 80
    assert sum("emil.py" in line for line in lines) == 1
    assert sum("Softplus" in line for line in lines) == 2


def test_a_folder_gives_a_row_for_each_file_and_a_column_for_each_name(
    students, command, in_process
):
    result = command("check", students, "--jobs", 1)
    assert result.exit_code == 1
    anna, ben, dora = (
        next(row for row in result.stdout.splitlines() if name in row)
        for name in ("anna.py", "ben.py", os.path.join("dora", "net.py"))
    )
    assert ["rounding" in row for row in (anna, ben, dora)] == [True, False, False]
    assert "mistake: factor ½" in ben
    assert "mistake: sign" in dora
    assert "carl.py: syntax error in line 1" in result.stdout
    assert "old.py" not in result.stdout
    assert "MSELoss" in result.stdout.splitlines()[0]


def test_many_reports_have_the_shape_of_one_each(
    students, command, in_process, tmp_path
):
    report = tmp_path / "report.xml"
    options = ("--jobs", 1, "--json", "--junit", report)
    result = command("check", students, *options)
    found = json.loads(result.stdout)
    assert found["exit_status"] == result.exit_code == 1
    status = {os.path.basename(f["file"]): f["exit_status"] for f in found["files"]}
    assert status == {"anna.py": 0, "ben.py": 1, "carl.py": 2, "net.py": 1}
    one = json.loads(command("check", students / "ben.py", "--json").stdout)
    assert one in found["files"]
    suites = ElementTree.parse(report).getroot()
    assert suites.tag == "testsuites"
    counts = [(s.attrib["failures"], s.attrib["errors"]) for s in suites]
    assert counts == [("0", "0"), ("1", "0"), ("0", "1"), ("1", "0")]


@pytest.mark.parametrize(
    ("files", "status", "strict"),
    [
        (("anna.py", "ben.py"), 1, 1),
        (("anna.py", "carl.py"), 0, 1),
        (("carl.py", "carl.py"), 2, 2),
        (("carl.py", "ben.py"), 1, 1),
    ],
)
def test_the_exit_status_of_many(files, status, strict, students, command, in_process):
    paths = [students / name for name in files]
    assert command("check", *paths, "--jobs", 1).exit_code == status
    assert command("check", *paths, "--jobs", 1, "--strict").exit_code == strict


def test_names_and_paths_can_be_mixed(students, command, in_process):
    paths = [students / "anna.py", students / "ben.py"]
    found = json.loads(
        command("check", *paths, "MSELoss", "--json", "--jobs", 1).stdout
    )
    labels = [[f["label"] for f in one["findings"]] for one in found["files"]]
    assert labels == [["MSELoss"], ["MyMSE"]]  # by the class that is meant, too


def test_a_folder_without_files_is_a_usage_error(tmp_path, command):
    result = command("check", tmp_path)
    assert result.exit_code == 2
    assert "no Python file" in result.stderr


def test_what_a_name_means_can_be_said(write, command, in_process):
    source = "def fehler(a, b): return ((a - b)**2).mean()\n"
    source += "def ableitung(a, b): return 2 * (a - b) / a.size\n"
    path = write(source)
    assert command("check", path).exit_code == 2
    result = command("check", path, "--as", "MSELoss=fehler,ableitung")
    assert result.exit_code == 0
    assert "fehler: rounding" in result.stdout
    several = ("--as", "MSELoss=fehler", "--as", "L1Loss=fehler,ableitung")
    found = json.loads(command("check", path, *several, "--json").stdout)["findings"]
    assert [f["name"] for f in found] == ["MSELoss", "L1Loss"]
    for meant, word in (
        ("MSELoss=nothing", "nothing"),
        ("NoSuchLoss=fehler", "NoSuch"),
        ("fehler", "fehler"),
    ):
        result = command("check", path, "--as", meant)
        assert result.exit_code == 2
        assert word in result.stderr


def test_the_report_is_german_if_asked(write, students, command, in_process):
    path = write(MSE.format(name="MSELoss", factor=1))
    text = command("check", path, "--lang", "de").stdout
    for word in ("Programmfehler", "Hinweis", "Eingabe", "erwartet", "geliefert"):
        assert word in text
    for word in ("mistake", "hint", "expected", "input gradient"):
        assert word not in text
    assert "Datei" in command("check", students, "--lang", "de", "--jobs", 1).stdout
    assert (
        json.loads(command("check", path, "--lang", "de", "--json").stdout)["findings"][
            0
        ]["kind"]
        == "mistake"
    )


def test_hidden_folders_and_those_of_tools_are_left_out(tmp_path):
    for name in ("a.py", "b/c.ipynb", ".venv/d.py", "x/__pycache__/e.py", "f.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_files([tmp_path, tmp_path / "a.py", tmp_path / "f.txt"])
    assert [os.path.relpath(f, tmp_path) for f in found] == [
        "a.py",
        os.path.join("b", "c.ipynb"),
        "f.txt",
    ]


HANGS = SQUARE + "def g(x):\n    while True: pass\ndef grad_g(x): return x\n"


@pytest.mark.slow
def test_a_file_that_hangs_costs_its_own_time_only(tmp_path):
    paths = [tmp_path / f"{name}.py" for name in "abcd"]
    for path in paths:
        path.write_text(HANGS if path.stem == "b" else SQUARE, encoding="utf-8")
    outcomes = check_files(paths, seconds=5, jobs=2)
    kinds = [[f["kind"] for f in outcome.findings] for outcome in outcomes]
    assert kinds == [["equal"], ["equal", "wrong"], ["equal"], ["equal"]]


@pytest.mark.slow
def test_twenty_files_are_checked_in_a_minute(tmp_path):
    for number in range(20):
        source = MSE.format(name="MSELoss", factor=2) + RELU + SQUARE
        (tmp_path / f"{number}.py").write_text(source, encoding="utf-8")
    start = time.process_time(), os.times()
    outcomes = check_files(find_files([tmp_path]), jobs=2)
    spent = os.times().children_user + os.times().children_system
    spent -= start[1].children_user + start[1].children_system
    assert [len(outcome.findings) for outcome in outcomes] == [3] * 20
    assert spent < 2 * 60  # on two cores


# -- output that cannot be written -----------------------------------------------------

COMMANDS = (("check", "mine.py"), ("check", "mine.py", "--json"), ("list",),
            ("template", "MSELoss"), ("template", "--list"))  # fmt: skip


def run(words, cwd, **where):
    command = [sys.executable, "-m", "compare", *words]
    return subprocess.run(command, cwd=cwd, stderr=-1, text=True, **where)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("words", COMMANDS)
def test_a_full_disk_is_told_with_exit_2(words, write):
    path = write(SQUARE)
    with open("/dev/full", "w") as full:
        result = run(words, path.parent, stdout=full)
    assert result.returncode == 2
    assert "No space left" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS)
def test_a_reader_that_leaves_or_a_closed_output_changes_no_exit_status(words, write):
    folder = write(SQUARE).parent
    reading, writing = os.pipe()
    os.close(reading)
    try:
        result = run(words, folder, stdout=writing)
    finally:
        os.close(writing)
    assert (result.returncode, result.stderr) == (0, "")
    command = " ".join([sys.executable, "-m", "compare", *words])
    closed = subprocess.run(
        ["sh", "-c", f"{command} >&-"], cwd=folder, stderr=-1, text=True
    )
    assert (closed.returncode, closed.stderr) == (0, "")


@pytest.mark.slow
def test_a_report_that_cannot_be_written_is_told_with_exit_2(write):
    path = write(SQUARE)
    for place in ("/dev/full", "no/such/folder/report.xml"):
        result = run(("check", path, "--junit", place), path.parent, stdout=-3)
        assert result.returncode == 2
        assert "Traceback" not in result.stderr


TEXTS = ("\\uffff", "\\ufffe", "\\x00", "\\x1b[2J", "\\ud800", "]]>", "<&\\x85")


@pytest.mark.parametrize("text", TEXTS)
def test_reports_hold_any_text(text, write, command, tmp_path, in_process):
    source = f"class ReLU:\n    def forward(self, x): raise OSError({text!r} + '!')\n"
    source = source.replace("\\\\", "\\")
    path, report = (
        write(source + "    def backward(self, g): return g\n"),
        tmp_path / "r",
    )
    result = command("check", path, "--json", "--junit", report)
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["kind"] == "wrong"
    ElementTree.parse(report)
    assert "\x1b" not in command("check", path).stdout


@pytest.mark.slow
def test_a_latin_1_file_name_is_reported(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.py"
    with open(path, "w") as file:
        file.write(SQUARE)
    report = tmp_path / "report.xml"
    for words in (("check", path), ("check", path, "--json", "--junit", report)):
        result = run(words, tmp_path, stdout=-1)
        assert (result.returncode, result.stderr) == (0, "")
    assert "caf" in json.loads(result.stdout)["file"]
    assert "caf" in ElementTree.parse(report).getroot().attrib["name"]


def test_a_missing_file_among_many_is_told(students, command, in_process):
    result = command("check", students / "anna.py", students / "nobody.py", "--jobs", 1)
    assert "there is no file" in result.stdout


def test_one_file_is_a_list_of_one(write, in_process):
    path = write(SQUARE)
    assert check_files([path])[0] == check_file(path)
