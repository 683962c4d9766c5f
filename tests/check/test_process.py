"""A file may hang, exit, crash or not load: that is reported and harms nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from xml.etree import ElementTree

import pytest

from compare.check import process
from compare.check.process import check_file, check_files

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
    "import os; os.abort()\n": "status -6 (SIGABRT)",
    "import os; os.kill(os.getpid(), 9)\n": "status -9 (SIGKILL)",
    "import os; os.write(2, b'deep trouble'); os._exit(3)": "deep trouble",
    "import os; os.write(2, b'x' * 10**6 + b'the end'); os._exit(3)": "the end",
    "while True:\n    try: pass\n    except: pass\n": "did not end within 4 s",
    "import signal\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\n"
    "while True: pass\n": "did not end within 4 s",
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
    result = command("check", write(source), "--timeout", 4)
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


def test_a_function_that_ends_the_process_is_wrong_and_the_rest_is_checked(write):
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
def test_a_function_that_hangs_or_crashes_is_wrong(what, words, write):
    outcome = check_file(write(BAD_COMPANY.format(what=what)), [], 20)
    is_told_and_the_rest_is_checked(outcome, words)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("sys.exit(0)", "raises SystemExit"),
        ("raise ValueError('no')", "raises ValueError: no"),
    ],
)
def test_a_function_that_raises_is_wrong(what, words, write, in_process):
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


@pytest.mark.slow
def test_nothing_beside_the_file_or_in_the_current_folder_is_run(tmp_path):
    for name in ("timeit", "typing", "sympy", "json", "torch", "tensorboard", "queue"):
        text = f"open({str(tmp_path / 'ran')!r}, 'w').write({name!r})\n"
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    path = tmp_path / "mine.py"
    path.write_text("def f(x): return x*x\ndef grad_f(x): return 2*x\n", "utf-8")
    command = [sys.executable, "-m", "compare", "check", path]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert not (tmp_path / "ran").exists()


OWN = """
import argparse, sys
assert len(sys.argv) == 1 and sys.argv[0].endswith("mine.py"), sys.argv
argparse.ArgumentParser().parse_args()
assert sys.stdin.read() == ""
import matplotlib
assert matplotlib.get_backend().lower() == "agg"
def f(x): return x * x
def grad_f(x): return 2 * x
"""


@pytest.mark.slow
def test_a_file_has_its_own_arguments_no_input_and_no_window(write):
    outcome = check_file(write(OWN), ["f"])
    assert not outcome.hints
    assert [f["kind"] for f in outcome.findings] == ["equal"]


STATES = (
    "torch.set_grad_enabled(False)",
    "mode = torch.inference_mode(); mode.__enter__()",
    "torch.set_default_dtype(torch.float16)",
    "np.seterr(all='raise'); np.random.seed(0); torch.manual_seed(0)",
    "np.set_printoptions(precision=1, suppress=True, threshold=1)",
    "np.max = np.abs = np.array_equal = lambda *a, **k: 0",
    "torch.sigmoid = torch.tanh = torch.Tensor.sigmoid = lambda x, *a: x",
    "torch.nn.Sigmoid.forward = torch.nn.Sigmoid.__call__ = lambda self, x: x",
    "torch.autograd.Variable._execution_engine = None",
    "import compare.testing.reference as r; r.torchs = r.drawn = None",
)
SIGMOID = """
class Sigmoid:
    def forward(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y
    def backward(self, grad_output):
        return grad_output * self.y
"""


@pytest.mark.slow
def test_what_a_file_does_to_numpy_and_torch_does_not_change_what_is_found(tmp_path):
    paths = []
    for number, state in enumerate(("", *STATES)):
        paths.append(tmp_path / f"mine{number}.py")
        text = f"import numpy as np, torch\n{state}\n{SIGMOID}"
        paths[-1].write_text(text, encoding="utf-8")
    plain, *others = [outcome.findings for outcome in check_files(paths)]
    assert plain[0]["kind"] in ("mistake", "wrong")
    for state, found in zip(STATES, others, strict=True):
        assert found == plain, state


NONSENSE = (
    "import os\nfor fd in range(3, 99):\n    try: os.write(fd, b'{}\\n')\n"
    "    except OSError: pass\n",
    "import os\nos.closerange(3, 99)\n",
    "import os\nif os.fork() == 0: os._exit(0)\n",
    "import os\nos.fork()\n",
    "import threading, os, time\nthreading.Timer(0.2, os._exit, [5]).start()\n"
    "time.sleep(9)\n",
)


@pytest.mark.slow
@pytest.mark.parametrize("source", NONSENSE)
def test_what_is_written_into_the_pipe_of_answers_forges_nothing(source, write):
    """It is told, once and soon; or the answers are right."""
    text = f"{source}def f(x): return x * x\ndef grad_f(x): return 3 * x\n"
    outcome = check_file(write(text), seconds=20)
    assert outcome.exit_status() in (1, 2)
    assert len(outcome.findings) <= 1
    assert outcome.problem or outcome.findings[0]["label"] == "f"


@pytest.mark.slow
def test_a_process_that_ends_between_two_names_is_not_restarted_without_end(write):
    source = "import threading, os\nthreading.Timer(1, os._exit, [5]).start()\n"
    slow = "import time\ndef f{n}(x):\n    time.sleep(0.02)\n    return x * x\n"
    grad = "def grad_f{n}(x): return 2 * x\n"
    names = [(slow + grad).replace("{n}", str(n)) for n in range(5)]
    outcome = check_file(write(source + "".join(names)), seconds=20)
    assert len(outcome.findings) == 5
    assert any("status 5" in f["words"] for f in outcome.findings)


# -- nothing is left running -----------------------------------------------------------

ENDLESS = """
import os, subprocess, sys, pathlib
class ReLU:
    def forward(self, x):
        sleep = "import time; time.sleep(600)"
        child = subprocess.Popen([sys.executable, "-c", sleep])
        ids, new = pathlib.Path({ids!r}), pathlib.Path({ids!r} + ".new")
        new.write_text(f"{{os.getpid()}} {{child.pid}} {{os.getppid()}}")
        new.rename(ids)
        try:
            while True: pass
        except: return self.forward(x)
    def backward(self, grad_output): return grad_output
"""


def is_running(pid):
    with suppress(OSError), open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(")")[2].split()[0] not in "ZX"
    return False


def waits_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks /proc")
@pytest.mark.parametrize(
    "ends", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
)
@pytest.mark.parametrize("who", ["check", "its worker"])
def test_nothing_outlives_the_command(ends, who, tmp_path, write):
    if who == "its worker" and ends != signal.SIGKILL:
        pytest.skip("nobody knows it")
    ids = tmp_path / "ids"
    path = write(ENDLESS.format(ids=str(ids)))
    others = [write("import time; time.sleep(90)\n", "other.py")] * (who == "check")
    folder = tmp_path / "temporary"
    folder.mkdir()
    options = [path, *others, "--timeout", "100"]
    command = [sys.executable, "-m", "compare", "check", *options]
    env = {**os.environ, "TMPDIR": str(folder)}
    check = subprocess.Popen(command, stdout=-3, stderr=-3, env=env)
    try:
        waits_for(ids.exists, 90)
        child, grandchild, worker = map(int, ids.read_text().split())
        assert is_running(child)
        assert is_running(grandchild)
        (check.send_signal(ends) if who == "check" else os.kill(worker, ends))
        left = [child, worker] + [grandchild] * (who == "check")
        waits_for(lambda: not any(map(is_running, left)))
        check.wait(60)
        assert not any(folder.iterdir())
    finally:
        check.kill()
        check.wait()
        for pid in (child, grandchild):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def processes_with(text):
    """All processes in whose environment a text stands."""
    found = []
    for entry in os.listdir("/proc"):
        with suppress(OSError), open(f"/proc/{entry}/environ", "rb") as file:
            if text.encode() in file.read() and is_running(entry):
                found.append(entry)
    return found


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks /proc")
def test_a_child_ends_even_if_the_end_comes_while_it_is_forked(tmp_path, write):
    path = write("import subprocess\nsubprocess.run(['sleep', '500'])\n")
    request = {"path": str(path), "names": [], "meant": "", "seconds": 100}
    command = [sys.executable, "-P", "-c", process.START, str(process.ROOT)]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    for _ in range(3):
        with subprocess.Popen(command, stdin=-1, stdout=-3, env=env) as worker:
            worker.communicate(json.dumps(request).encode() + b"\n", timeout=60)
        assert not processes_with(str(tmp_path))


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="asks /proc")
def test_what_a_file_starts_ends_with_its_check(tmp_path, write):
    ids = tmp_path / "ids"
    outcome = check_file(write(ENDLESS.format(ids=str(ids))), seconds=2)
    assert "did not end within 2 s" in outcome.findings[0]["words"]
    assert not any(is_running(int(pid)) for pid in ids.read_text().split())
