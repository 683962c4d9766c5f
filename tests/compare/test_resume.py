"""A run that was cut short goes on as if nothing had happened, or is refused."""

import dataclasses
import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from compare import checkpoint, registry
from compare.backend import Backend
from compare.cli import app
from compare.logger import RunLogger
from compare.run_folder import read_summary
from compare.trainer import Interrupted, RunConfig, run

BACKENDS = [
    Backend(a, "cpu", d) for a in ("numpy", "torch") for d in ("float64", "float32")
]


def lesson(**changes):
    """Digits with momentum, in batches: everything that has a state."""
    _, digits = registry.load("digits_mlp")
    return dataclasses.replace(
        digits, **{"steps": 60, "claims": {"": lambda s: (True, "")}, **changes}
    )


def cut_after(steps):
    """Progress that is interrupted, some steps behind the last checkpoint."""

    def progress(walk, label, total):
        for step in walk:
            yield step
            if step.number == steps:
                raise KeyboardInterrupt

    return progress


def everything(folder):
    """What a finished run has computed, bit for bit."""
    with np.load(folder / checkpoint.NAME, allow_pickle=False) as file:
        arrays = {n: file[n].tobytes() for n in file.files if n.startswith("array_")}
    return (folder / "curves.csv").read_bytes(), arrays


@pytest.fixture
def often(monkeypatch):
    monkeypatch.setattr("compare.trainer.SAVE_SECONDS", 0.02)
    monkeypatch.setattr("compare.trainer.SAVE_SHARE", 0)


RESUMED = [
    pytest.param(
        backend,
        more,
        id=f"{backend.array}-{backend.dtype}-{'seeds' if more else 'one'}",
        marks=() if backend == BACKENDS[0] else pytest.mark.slow,
    )
    for backend in BACKENDS
    for more in ({}, {"seeds": 2, "steps": 30})
]


@pytest.mark.parametrize(("backend", "more"), RESUMED)
def test_a_resumed_run_ends_bit_identical(backend, more, tmp_path, often):
    settings = RunConfig(backend, logdir=tmp_path)
    whole = run("whole", lesson(**more), settings)
    with pytest.raises(KeyboardInterrupt):
        run("cut", lesson(**more), settings, cut_after(23))
    (cut,) = (tmp_path / "cut").iterdir()
    assert read_summary(cut)["status"] == "interrupted"
    assert len((cut / "curves.csv").read_text().splitlines()) >= 24
    resumed = run("cut", lesson(**more), settings, resumed=cut)
    assert resumed.folder == cut
    assert everything(cut) == everything(whole.folder)
    assert resumed.verdict == whole.verdict
    then, now = read_summary(whole.folder), read_summary(cut)
    assert now["metrics"] == then["metrics"]
    assert now["status"] == "finished"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")
def test_a_second_sigterm_does_not_stop_the_closing_of_a_run(tmp_path, monkeypatch):
    def terminated(walk, label, total):
        yield next(walk)
        signal.raise_signal(signal.SIGTERM)

    def text(*_):
        signal.raise_signal(signal.SIGTERM)  # of a pool whose other process has ended

    monkeypatch.setattr(RunLogger, "text", text)
    with pytest.raises(Interrupted):
        run("cut", lesson(), RunConfig(logdir=tmp_path), terminated)
    (summary,) = tmp_path.glob("cut/*/summary.json")
    assert json.loads(summary.read_text())["status"] == "interrupted"


def test_resumed_events_hold_every_step_once(tmp_path, often):
    settings = RunConfig(logdir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run("cut", lesson(), settings, cut_after(41))
    (cut,) = (tmp_path / "cut").iterdir()
    run("cut", lesson(), settings, resumed=cut)
    for side in ("handmade", "torch_ref"):
        events = EventAccumulator(str(cut / side), size_guidance={"scalars": 0})
        events.Reload()
        steps = [point.step for point in events.Scalars("loss/train")]
        assert steps == [*range(60)]


def test_a_resumed_path_is_whole(tmp_path, often):
    _, gate = registry.load("or_gate")
    settings = RunConfig(logdir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run("cut", gate, settings, cut_after(100))
    (cut,) = (tmp_path / "cut").iterdir()
    assert run("cut", gate, settings, resumed=cut).ok


OWN = """
import dataclasses
from compare.experiments import digits_mlp
EXPERIMENT = dataclasses.replace(
    digits_mlp.EXPERIMENT,
    steps={steps},
    claims={{"": lambda s: (True, "")}},
    figures={{}},
)
"""


def start(*args):
    return subprocess.Popen(
        [sys.executable, "-m", "compare", *map(str, args)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.slow
def test_a_killed_run_is_listed_as_interrupted_and_goes_on(tmp_path, eventually):
    own, runs = tmp_path / "own.py", tmp_path / "runs"
    own.write_text(OWN.format(steps=1000), encoding="utf-8")
    process = start("run", own, "--logdir", runs)
    curves = eventually(lambda: next(runs.glob("own/*/curves.csv"), None))
    folder = curves.parent
    eventually(lambda: len(curves.read_text().splitlines()) > 200)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    listed = CliRunner().invoke(
        app, ["list", "--logdir", str(runs)], env={"COLUMNS": "200"}
    )
    assert "interrupted" in listed.stdout
    saved = checkpoint.load(folder / checkpoint.NAME)
    logged = len(curves.read_text().splitlines()) - 1
    assert saved["trials"][0]["lockstep"]["history"]["steps"] <= logged
    done = resume(folder)
    assert done.exit_code == 0, done.output
    whole = CliRunner().invoke(app, ["run", str(own), "--logdir", str(tmp_path / "w")])
    assert whole.exit_code == 0
    (other,) = (tmp_path / "w" / "own").iterdir()
    assert everything(folder) == everything(other)


def resume(folder):
    """`run --resume`, the lesson's file named again where the run tells it."""
    path = folder / "summary.json"
    source = json.loads(path.read_text())["source"] if path.exists() else ""
    own = [source.split("#")[0]] if source else []
    return CliRunner().invoke(app, ["run", *own, "--resume", str(folder)])


def refused(folder):
    answer = resume(folder)
    assert answer.exit_code == 2
    return answer.stderr


@pytest.fixture
def cut(tmp_path, often):
    own = tmp_path / "own.py"
    own.write_text(OWN.format(steps=60), encoding="utf-8")
    name, experiment = registry.load(str(own))
    with pytest.raises(KeyboardInterrupt):
        run(
            name,
            experiment,
            RunConfig(logdir=tmp_path),
            cut_after(30),
            source=registry.find(str(own)).source,
        )
    return next((tmp_path / "own").iterdir())


def test_a_truncated_checkpoint_is_refused_by_name(cut):
    path = cut / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:-200])
    before = (cut / "curves.csv").read_bytes()
    assert f"{path} is no intact checkpoint" in refused(cut)
    assert (cut / "curves.csv").read_bytes() == before


def test_a_tampered_checkpoint_is_refused_by_name(cut):
    path = cut / checkpoint.NAME
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    name = next(n for n, a in arrays.items() if a.dtype == np.float64 and a.size > 9)
    arrays[name] = arrays[name] + 1e-9
    np.savez(path, **arrays)
    assert f"{path} was changed" in refused(cut)


class Bomb:
    def __reduce__(self):
        return os.mkdir, ("exploded",)


def test_a_pickle_is_never_executed(cut, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = cut / checkpoint.NAME
    path.write_bytes(pickle.dumps(Bomb()))
    assert "is no intact checkpoint" in refused(cut)
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("tree.npy", buffer.getvalue())
        file.writestr("digest.npy", buffer.getvalue())
    assert "is no intact checkpoint" in refused(cut)
    assert not (tmp_path / "exploded").exists()


def test_a_checkpoint_of_an_older_version_is_refused_and_nothing_is_cut(cut):
    saved = checkpoint.load(cut / checkpoint.NAME)
    del saved["format"]
    checkpoint.save(cut / checkpoint.NAME, saved)
    before = (cut / "curves.csv").read_bytes()
    assert "saved by an older version; start the run again" in refused(cut)
    assert (cut / "curves.csv").read_bytes() == before


def test_a_missing_checkpoint_and_a_missing_run_are_said(cut, tmp_path):
    (cut / checkpoint.NAME).unlink()
    assert "there is no checkpoint" in refused(cut)
    assert "there is no run" in refused(tmp_path / "none")
    shutil.rmtree(cut)
    assert "there is no run" in refused(cut)


def test_a_run_that_goes_on_or_is_over_is_not_resumed(cut, tmp_path):
    with RunLogger(cut, checkpoint.load(cut / checkpoint.NAME)["sizes"]) as record:
        record.summary = json.loads((cut / "summary.json").read_text())
        record.write_summary(status="running")
        assert "is running: there is nothing to resume" in refused(cut)
    assert resume(cut).exit_code == 0
    assert "is finished: there is nothing to resume" in refused(cut)


def test_a_resumed_run_says_from_which_step_it_continues(cut):
    (trial,) = checkpoint.load(cut / checkpoint.NAME)["trials"]
    done = trial["lockstep"]["history"]["steps"]
    answer = resume(cut)
    assert 0 < done < 60
    assert f"own: resumed after step {done} of 60\n" in answer.stdout


TREE = {
    "text": "ü",
    3: [1, 2.5, None, True, float("nan"), float("-inf")],
    "array": np.arange(6, dtype=np.float32).reshape(2, 3),
    "scalar": np.float64(0.1),
    "empty": {},
}


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "tree.npz"
    checkpoint.save(path, TREE)
    loaded = checkpoint.load(path)
    assert [*loaded] == [*TREE]
    assert repr(loaded[3]) == repr(TREE[3])
    assert loaded["array"].dtype == np.float32
    np.testing.assert_array_equal(loaded["array"], TREE["array"])
    assert loaded["scalar"] == 0.1
    assert [f.name for f in tmp_path.iterdir()] == ["tree.npz"]


def test_a_checkpoint_holds_no_objects(tmp_path):
    with pytest.raises(TypeError, match="a checkpoint holds no Bomb"):
        checkpoint.save(tmp_path / "tree.npz", {"x": Bomb()})
    assert not [*tmp_path.iterdir()]


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "tree.npz"
    checkpoint.save(path, {"a": 1})

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, {"a": 2})
    assert checkpoint.load(path) == {"a": 1}


def test_a_lesson_that_was_changed_is_not_resumed(cut, tmp_path):
    own = tmp_path / "own.py"
    own.write_text(own.read_text() + "# changed\n")
    assert f"{own} has changed since the run started" in refused(cut)


def test_a_run_is_not_resumed_with_other_examples(tmp_path, often):
    """MNIST may be all of it or a part, as what can be fetched on a machine."""
    digits = lesson()

    def fewer(rng):
        data = digits.data_of("mlp")(rng)
        return dataclasses.replace(data, x=data.x[:-1], target=data.target[:-1])

    def turned(rng):
        data = digits.data_of("mlp")(rng)
        return dataclasses.replace(data, x=data.x[::-1])

    settings = RunConfig(logdir=tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run("cut", digits, settings, cut_after(30))
    (cut,) = (tmp_path / "cut").iterdir()
    before = (cut / "curves.csv").read_bytes()
    for data, count in ((fewer, 1436), (turned, 1437)):
        with pytest.raises(
            checkpoint.BadCheckpoint, match=rf"with 1437 train .*got {count} train "
        ):
            run("cut", lesson(data=data), settings, resumed=cut)
    assert (cut / "curves.csv").read_bytes() == before
    assert run("cut", digits, settings, resumed=cut).status == "finished"


def test_settings_beside_a_resumed_run_are_refused(cut):
    answer = CliRunner().invoke(app, ["run", "--resume", str(cut), "--steps", "5"])
    assert answer.exit_code == 2
    assert "leave out --steps" in answer.stderr


@pytest.mark.parametrize("up", [1, 2])
def test_of_a_folder_of_runs_those_inside_are_named_newest_first(cut, up):
    newer = cut.with_name("99991231-235959")
    shutil.copytree(cut, newer)
    summary = json.loads((newer / "summary.json").read_text())
    (newer / "summary.json").write_text(json.dumps({**summary, "status": "finished"}))
    folder = cut.parents[up - 1]
    answer = CliRunner().invoke(app, ["run", "--resume", str(folder)])
    assert answer.exit_code == 2
    said = f"{newer} (finished)\n  {cut} (interrupted)"
    assert f"error: {folder} is not the folder of one run" in answer.stderr
    assert said in answer.stderr


def test_curves_that_were_cut_off_are_refused(cut):
    curves = cut / "curves.csv"
    curves.write_bytes(curves.read_bytes()[:100])
    assert "curves.csv is shorter than when the run was saved" in refused(cut)
