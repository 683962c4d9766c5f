"""A table of one's own becomes a lesson, or is refused with the place that hinders."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner, Result

from compare import registry
from compare.backend import Backend
from compare.cli import app
from compare.defaults import MOST_UNITS
from compare.experiment import Data
from compare.run_folder import read_summary
from compare.tables.lesson import from_csv
from compare.tables.table import FEWEST_ROWS, MOST_CLASSES
from compare.trainer import RunConfig, run

Write = Callable[..., Path]
ROWS = 40


def plane(count: int = ROWS) -> list[list[object]]:
    """Two inputs, a number that is linear in them, and on which side of 0 it lies."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 2)) * [1, 100] + [5, -3]
    y = x @ [3.0, 0.1] + 0.1 * rng.normal(size=count)
    above = np.where(y > np.median(y), "high", "low")
    three = zip(x, y, above, strict=True)
    rows = [[*map(float, row), float(v), s] for row, v, s in three]
    return [["a", "b", "y", "side"], *rows]


def without(rows: list[list[object]], name: str) -> list[list[object]]:
    place = rows[0].index(name)
    return [row[:place] + row[place + 1 :] for row in rows]


def drawn(path: Path, target: str, seed: int = 0, **options: object) -> Data:
    lesson = from_csv(path, target, **options)
    assert callable(lesson.data)
    return lesson.data(np.random.default_rng(seed))


def call(*words: object) -> Result:
    return CliRunner().invoke(app, ["run", *map(str, words)])


# Columns


@pytest.mark.parametrize(
    ("categories", "width"), [(["red", "green", "blue"], 3), (["yes", "no"], 1)]
)
def test_categories_are_one_hot_and_two_are_0_or_1(
    categories: list[str], width: int, write_csv: Write
):
    rows = [[categories[i % len(categories)], i + 0.5] for i in range(ROWS)]
    path = write_csv([["x", "y"], *rows])
    x = drawn(path, "y").x
    assert x.shape[1] == width
    assert {*x.ravel()} == {0, 1}
    assert width == 1 or {*x.sum(axis=1)} == {1}
    assert "one-hot: 'x'" in from_csv(path, "y").story


@pytest.mark.parametrize(
    "field", ["-inf", "Infinity", "1e999", "1_000", "12 kg", "true", "1.2.3"]
)
@pytest.mark.parametrize("name", ["b", "y"])
def test_a_field_that_is_not_a_number_is_named_with_its_place(
    field: str, name: str, write_csv: Write
):
    rows = without(plane(), "side")
    rows[7][rows[0].index(name)] = field
    with pytest.raises(ValueError, match=f"line 8, column '{name}': .*'{field}'"):
        from_csv(write_csv(rows), "y")


def test_all_columns_of_names_are_refused_at_once_and_can_be_dropped(write_csv: Write):
    rows = [[*row, f"name {i}", f"{i} road"] for i, row in enumerate(plane())]
    rows[0][-2:] = "who", "where"
    path = write_csv(rows)
    with pytest.raises(ValueError, match=r"--drop who,where"):
        from_csv(path, "y")
    for drop in (["who,where"], ["who", "where"], ["who , where"]):
        assert drawn(path, "y", drop=drop).x.shape[1] == 3


@pytest.mark.parametrize(
    ("drop", "message"),
    [(["whoo"], "no column 'whoo'"), (["a,y"], "'y' is the target")],
)
def test_what_cannot_be_dropped_is_refused(
    drop: list[str], message: str, write_csv: Write
):
    with pytest.raises(ValueError, match=message):
        from_csv(write_csv(plane()), "y", drop=drop)


@pytest.mark.parametrize("name", ["PassengerId", "", "Nr."])
@pytest.mark.parametrize("first", [0, 1])
def test_a_first_column_that_numbers_the_rows_is_left_out(
    name: str, first: int, write_csv: Write
):
    rows = [[i - 1 + first, *row] for i, row in enumerate(plane())]
    rows[0][0] = name
    path = write_csv(rows)
    assert drawn(path, "y").x.shape[1] == 3
    assert f"or an index: {name or 'Unnamed: 0'!r}." in from_csv(path, "y").story


@pytest.mark.parametrize(("name", "first"), [("year", 1980), ("hour", 0)])
def test_a_first_column_of_times_is_an_input(name: str, first: int, write_csv: Write):
    rows = [[first + i, *row] for i, row in enumerate(plane())]
    rows[0][0] = name
    assert drawn(write_csv(rows), "y").x.shape[1] == 4


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        (["yes", "no"], ["no", "yes"]),
        (["True", "False"], ["False", "True"]),
        (["1", "0"], ["0", "1"]),
        (["-1", "+1"], ["-1", "1"]),
        (["10", "9", "2"], ["2", "9", "10"]),
        ([str(i) for i in range(MOST_CLASSES)], [str(i) for i in range(MOST_CLASSES)]),
        ([str(i) for i in range(MOST_CLASSES + 1)], []),
        (["1.0", "0.0"], []),
        (["1", "0.5"], []),
        (["1e3", "2"], []),
    ],
)
def test_text_and_few_whole_numbers_are_classes(
    fields: list[str], classes: list[str], write_csv: Write
):
    path = write_csv([["x", "y"], *([i + 0.5, f] for i, f in enumerate(fields * 20))])
    lesson = from_csv(path, "y")
    data = drawn(path, "y")
    assert ("classes" in lesson.story) == bool(classes)
    if not classes:
        assert data.target.dtype == np.float64
        assert data.target.shape[1] == 1
        return
    assert data.target.dtype == np.int64
    assert ", ".join(map(repr, classes[:12])) in lesson.story
    counts = np.bincount(np.concatenate([data.target, data.test_set[1]]))
    assert counts.tolist() == [20] * len(classes)


# Missing values


def holes() -> list[list[object]]:
    """The plane with a number, a category and a target missing, in different rows."""
    rows = plane()
    rows[3][0], rows[5][3], rows[8][2] = "", "NA", "?"
    return rows


def test_rows_with_missing_values_are_left_out_and_told(write_csv: Write):
    path = write_csv(holes())
    data = drawn(path, "y")
    assert len(data.x) + len(data.test_set[0]) == ROWS - 3
    story = from_csv(path, "y").story
    assert "1 in 'a', 1 in 'side', 1 in 'y'" in story
    assert f"3 of {ROWS} rows are left out" in story


def test_missing_inputs_are_filled_by_the_mean_of_the_training_part(write_csv: Write):
    path = write_csv(holes())
    data = drawn(path, "y", missing="mean")
    x = np.concatenate([data.x, data.test_set[0]])
    assert len(x) == ROWS - 1
    assert (np.abs(x[:, 1]) < 1e-12).sum() == 1  # the mean of a standardised column
    assert set(x[:, 0]) == {0, 1}
    story = from_csv(path, "y", missing="mean").story
    assert "1 in 'a', 1 in 'side', 1 in 'y'" in story
    assert "the mean" in story
    assert f"1 of {ROWS} rows" in story


def test_an_empty_column_is_left_out(write_csv: Write):
    rows = [[*row, ""] for row in plane()]
    rows[0][-1] = "note"
    path = write_csv(rows)
    assert drawn(path, "y").x.shape[1] == 3
    assert "Left out as empty or an index: 'note'" in from_csv(path, "y").story


def test_too_few_rows_without_missing_values_say_why(write_csv: Write):
    rows = plane()
    for row in rows[1 : ROWS // 2 + 5]:
        row[0] = ""
    with pytest.raises(ValueError, match=r"16 rows of data.*24 in 'a'") as caught:
        from_csv(write_csv(rows), "y")
    assert "--missing mean" in str(caught.value)


def test_an_unknown_way_with_missing_values_is_refused(write_csv: Write):
    with pytest.raises(ValueError, match="drop or mean, got 'zero'"):
        from_csv(write_csv(plane()), "y", missing="zero")


# Tables that cannot be learned from


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Side", "has no column 'Side'; did you mean 'side'"),
        ("sied", "has no column 'sied'; did you mean 'side'"),
        ("qqq", "has no column 'qqq'; its first line names 'a', 'b', 'y', 'side'"),
    ],
)
def test_an_unknown_target_suggests_the_nearest(
    name: str, message: str, write_csv: Write
):
    with pytest.raises(ValueError, match="column") as caught:
        from_csv(write_csv(plane()), name)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", ["1.5", "7", "cat"])
def test_a_target_that_never_changes_is_refused(value: str, write_csv: Write):
    rows = [["x", "y"], *([i, value] for i in range(ROWS))]
    with pytest.raises(ValueError, match=f"target 'y' is '{value}' in every row"):
        from_csv(write_csv(rows), "y")


@pytest.mark.parametrize("text", ["a,y\n", "a,y\n1,2\n"])
def test_a_table_of_almost_nothing_has_too_few_rows(text: str, write_csv: Write):
    with pytest.raises(ValueError, match=r"own\.csv has (no|1) rows of data"):
        from_csv(write_csv(text), "y")


def test_too_few_rows_are_counted(write_csv: Write):
    few = without(plane(FEWEST_ROWS - 1), "side")
    with pytest.raises(ValueError, match=f"has {FEWEST_ROWS - 1} rows of data"):
        from_csv(write_csv(few), "y")
    enough = without(plane(FEWEST_ROWS), "side")
    assert len(drawn(write_csv(enough), "y").test_set[0]) == FEWEST_ROWS // 5


def test_a_class_of_one_row_is_named(write_csv: Write):
    rows = without(plane(), "y")
    rows[5][-1] = "middle"
    with pytest.raises(ValueError, match="class 'middle' of 'side' has only one row"):
        from_csv(write_csv(rows), "side")


def test_a_table_of_the_target_alone_is_refused(write_csv: Write):
    with pytest.raises(ValueError, match="has no column but the target 'y'"):
        from_csv(write_csv([["y"], *([i % 2] for i in range(ROWS))]), "y")


@pytest.mark.parametrize("units", ["32,x", "1.5", ",", "32,,16"])
def test_hidden_layers_are_whole_numbers(units: str, write_csv: Write, tmp_path: Path):
    words = ("--csv", write_csv(plane()), "--target", "y", "--hidden", units)
    answer = call(*words, "--logdir", tmp_path / "runs")
    assert answer.exit_code == 2
    assert "hidden must be whole numbers" in answer.stderr
    assert repr(units) in answer.stderr


@pytest.mark.parametrize("hidden", [[0], [-1], [MOST_UNITS + 1], [MOST_UNITS, 1]])
def test_hidden_layers_have_units_that_can_be_held(hidden: list[int], write_csv: Write):
    with pytest.raises(
        ValueError, match=rf"{MOST_UNITS} .*got {re.escape(f'{hidden}')}"
    ):
        from_csv(write_csv(plane()), "y", hidden)


def test_the_story_tells_the_learning_rate_and_batch_of_the_run(
    write_csv: Write, tmp_path: Path
):
    path = write_csv(without(plane(), "side"))
    options = ("--lr", 0.25, "--batch-size", 7, "--steps", 20)
    answer = call("--csv", path, "--target", "y", *options, "--logdir", tmp_path / "r")
    assert "Adam with lr 0.25 on batches of 7" in " ".join(answer.stdout.split())
    (folder,) = (tmp_path / "r").glob("*/*")
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["lr"], summary["batch_size"]) == (0.25, 7)
    assert registry.reopen(summary["source"]).experiment.story == summary["story"]


# Examples


def test_the_training_part_alone_is_standardised_to_mean_0_and_deviation_1(
    write_csv: Write,
):
    path = write_csv(without(plane(), "side"))
    data = drawn(path, "y")
    x_test, _ = data.test_set
    np.testing.assert_allclose(data.x.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(data.x.std(axis=0), 1, rtol=1e-13)
    assert np.abs(x_test.mean(axis=0)).min() > 1e-3


@pytest.mark.parametrize("size", [1e-100, 1.0, 1e300])
def test_numbers_of_any_size_are_standardised(size: float, write_csv: Write):
    rows = without(plane(), "side")
    for row in rows[1:]:
        row[0], row[2] = float(row[0]) * size, float(row[2]) * size
    data = drawn(write_csv(rows), "y")
    usual = drawn(write_csv(without(plane(), "side")), "y")
    np.testing.assert_allclose(data.x, usual.x, atol=1e-12)
    np.testing.assert_allclose(data.target, usual.target, atol=1e-12)


def test_a_constant_input_becomes_0(write_csv: Write):
    rows = without(plane(), "side")
    for row in rows[1:]:
        row[0] = 0.1
    data = drawn(write_csv(rows), "y")
    assert np.abs(data.x[:, 0]).max() < 1e-15


def test_a_fifth_is_held_out_and_no_row_is_in_both_parts(write_csv: Write):
    path = write_csv(without(plane(), "side"))
    data = drawn(path, "y")
    _, wanted = data.test_set
    everything = np.concatenate([data.target, wanted])[:, 0]
    y = np.array([row[2] for row in plane()[1:]], float)
    truth = (y - y.mean()) / y.std()
    assert len(wanted) == ROWS // 5
    np.testing.assert_allclose(np.sort(everything), np.sort(truth), atol=1e-14)


def test_classes_keep_their_shares_in_both_parts(write_csv: Write):
    rows = [
        ["x", "y"],
        *([i * 0.5, "rare" if i % 10 == 0 else "usual"] for i in range(100)),
    ]
    data = drawn(write_csv(rows), "y")
    assert np.bincount(data.target).tolist() == [8, 72]
    assert np.bincount(data.test_set[1]).tolist() == [2, 18]


def test_every_class_is_held_out_however_many_there_are(write_csv: Write):
    rows = [["x", "y"], *([i * 0.5, f"c{i % 15}"] for i in range(30))]
    data = drawn(write_csv(rows), "y")
    assert np.bincount(data.target).tolist() == [1] * 15
    assert np.bincount(data.test_set[1]).tolist() == [1] * 15


def test_the_seed_decides_what_is_held_out(write_csv: Write):
    path = write_csv(without(plane(), "side"))
    first, again, other = (drawn(path, "y", seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.test_set[0], again.test_set[0])
    assert not np.array_equal(first.test_set[1], other.test_set[1])


# Lessons


BACKENDS = [
    Backend(a, "cpu", d) for a in ("numpy", "torch") for d in ("float64", "float32")
]


def iris() -> list[list[object]]:
    bunch = load_iris()
    names = bunch.target_names[bunch.target]
    rows = [[*x, n] for x, n in zip(bunch.data, names, strict=True)]
    return [["a", "b", "c", "d", "kind"], *rows]


def diabetes() -> list[list[object]]:
    bunch = load_diabetes()
    rows = np.hstack([bunch.data, bunch.target[:, None]])
    return [[*bunch.feature_names, "progress"], *rows.tolist()]


@pytest.mark.slow
@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: f"{b.array}-{b.dtype}")
@pytest.mark.parametrize("hidden", [(), (16, 8)], ids=["perceptron", "mlp"])
@pytest.mark.parametrize(("table", "name"), [(iris, "kind"), (diabetes, "progress")])
def test_both_sides_agree_on_a_table_and_beat_the_simplest_answer(
    table: Callable[[], list[list[object]]],
    name: str,
    hidden: tuple[int, ...],
    backend: Backend,
    write_csv: Write,
    tmp_path: Path,
):
    experiment = from_csv(write_csv(table()), name, hidden)
    config = RunConfig(backend, 200, logdir=tmp_path / "runs")
    result = run("own", experiment, config)
    assert result.ok, result
    assert list(experiment.learners) == ["mlp" if hidden else "perceptron"]


@pytest.mark.slow
def test_a_perceptron_of_numbers_ends_near_the_least_squares_fit(
    write_csv: Write, tmp_path: Path
):
    experiment = from_csv(write_csv(diabetes()), "progress")
    result = run("own", experiment, RunConfig(logdir=tmp_path / "runs", steps=1500))
    found = read_summary(result.folder)["metrics"]["handmade"]["train"]
    rng = np.random.default_rng([0, 1])
    assert callable(experiment.data)
    data = experiment.data(rng)
    best = LinearRegression().fit(data.x, data.target).score(data.x, data.target)
    assert best - 0.01 < found["R2/train"] <= best
    deviation = np.std([row[-1] for row in diabetes()[1:]])
    mean_square = np.mean((data.target - data.target.mean()) ** 2)
    error = np.sqrt((1 - found["R2/train"]) * mean_square) * deviation
    assert found["RMSE/train"] == pytest.approx(error, rel=1e-12)


@pytest.mark.slow
def test_noise_is_not_said_to_be_learned(write_csv: Write, tmp_path: Path):
    rng = np.random.default_rng(0)
    path = write_csv([["a", "b", "c", "y"], *rng.normal(size=(100, 4))])
    answer = call(
        "--csv", path, "--target", "y", "--hidden", "64", "--logdir", tmp_path
    )
    assert answer.exit_code == 1
    assert "✗ better on held-out rows" in " ".join(answer.stdout.split())


def test_names_that_look_like_formulas_are_drawn_as_they_are(
    write_csv: Write, tmp_path: Path
):
    rows = [["$x_", "$y^"], *([i * 0.5, f"{i}.5"] for i in range(ROWS))]
    experiment = from_csv(write_csv(rows), "$y^")
    config = RunConfig(logdir=tmp_path / "runs", steps=200)
    assert run("own", experiment, config).ok


# The command line


def test_a_run_says_what_was_taken_for_what(write_csv: Write, tmp_path: Path):
    path = write_csv(iris(), "my flowers (1).csv")
    words = ("--target", "kind", "--hidden", "8,4", "--logdir", tmp_path / "runs")
    answer = call("--csv", path, *words, "--seed", 3, "--array", "torch")
    said = " ".join(answer.stdout.split())
    assert answer.exit_code == 0, answer.output
    assert "'kind' is learned as classes ('setosa', 'versicolor', 'virginica')" in said
    assert "CrossEntropyLoss" in said
    assert "30 of 150 rows" in said
    assert "4-8-4-3" in said
    (folder,) = (tmp_path / "runs" / "my_flowers_1").iterdir()
    assert json.loads((folder / "summary.json").read_text())["seed"] == 3
    assert {p.stem for p in folder.glob("*.png")} == {"curves", "difference", "answers"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "y"], "options of --csv FILE"),
        (["--hidden", "3"], "name a lesson"),
        (["--drop", "a"], "options of --csv FILE"),
        (["--predict", "FILE"], "options of --csv FILE"),
        (["--csv", "FILE"], "target must name the column of FILE"),
        (["--csv", "FILE", "--target", "z"], "has no column 'z'"),
        (["--csv", "FILE", "--target", "y", "or_gate"], "leave out 'or_gate'"),
        (["--csv", "FILE", "--target", "y", "--data", "mnist"], "only its own data"),
        (["--csv", "none.csv", "--target", "y"], "there is no file none.csv"),
        (["--csv", ".", "--target", "y"], "there is no file ."),
        (["--csv", "FILE", "--target", "y", "--missing", "x"], "'drop', 'mean'"),
        (["--resume", "runs/x/1", "--hidden", ""], "leave out --hidden"),
    ],
)
def test_a_wrong_request_exits_2_and_leaves_nothing(
    words: list[str], message: str, write_csv: Write, tmp_path: Path
):
    path = str(write_csv(without(plane(), "side")))
    logdir = tmp_path / "runs"
    given = [path if word == "FILE" else word for word in words]
    answer = call(*given, "--logdir", logdir)
    assert answer.exit_code == 2
    assert message.replace("FILE", path if "of FILE" in message else "FILE") in (
        " ".join(answer.stderr.split())
    )
    assert not logdir.exists()


def test_without_pandas_the_error_says_how_to_install_it(
    write_csv, tmp_path, monkeypatch
):
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    answer = call(
        "--csv", write_csv(plane()), "--target", "y", "--logdir", tmp_path / "r"
    )
    assert answer.exit_code == 2
    assert 'pip install "handmade-dl[csv]"' in answer.stderr


def test_a_cut_run_is_resumed_and_a_changed_file_is_refused(
    write_csv: Write, tmp_path: Path
):
    path = write_csv(plane(), "b & c#1?.csv")
    name, source, experiment = registry.table(
        path, "y", hidden=[4], drop=["side"], missing="mean"
    )

    def cut(steps, label, total):
        for step in steps:
            yield step
            if step.number == 20:
                raise KeyboardInterrupt

    settings = RunConfig(logdir=tmp_path / "runs", steps=60)
    with pytest.raises(KeyboardInterrupt):
        run(name, experiment, settings, cut, source=source)
    (folder,) = (tmp_path / "runs" / name).iterdir()
    before = path.read_text()
    path.write_text(before + "1,2,3.5,high\n")
    refused = call("--resume", folder)
    assert refused.exit_code == 2
    assert f"{path} has changed since the run started" in refused.stderr
    path.write_text(before)
    assert call("--resume", folder).exit_code == 0
    assert len((folder / "curves.csv").read_text().splitlines()) == 61


def test_every_option_of_a_table_comes_back_with_the_run(write_csv: Write):
    path = write_csv(holes())
    first = registry.table(path, "y", hidden=[4], drop=["side"], missing="mean")
    again = registry.reopen(first.source)
    assert again[:2] == first[:2]
    assert again.experiment.title == first.experiment.title
    assert again.experiment.story == first.experiment.story


# Predictions


@pytest.mark.parametrize("target", ["y", "side"])
def test_rows_of_another_file_are_predicted_by_both_sides(
    target: str, write_csv: Write, tmp_path: Path
):
    new = without(plane(6), target)
    words = ("--csv", write_csv(plane()), "--predict", write_csv(new, "new.csv"))
    answer = call(*words, "--target", target, "--logdir", tmp_path / "runs")
    assert answer.exit_code == 0, answer.output
    (path,) = (tmp_path / "runs").glob("own/*/predictions.csv")
    assert f"predictions.csv → {path}\n" in answer.stdout
    table = pd.read_csv(path)
    assert [*table] == [*new[0], f"{target} (handmade)", f"{target} (torch_ref)"]
    ours, theirs = (table[name] for name in [*table][-2:])
    truth = [row[plane()[0].index(target)] for row in plane(6)[1:]]
    if target == "y":
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        assert np.corrcoef(ours, truth)[0, 1] > 0.9
    else:
        assert ours.tolist() == theirs.tolist()
        assert np.mean(ours == truth) > 0.5


@pytest.mark.parametrize(("missing", "empty"), [("drop", True), ("mean", False)])
def test_a_row_with_a_missing_input_is_predicted_if_that_is_filled(
    missing: str, empty: bool, write_csv: Write, tmp_path: Path
):
    new = write_csv("side,b,a\nhigh,1,\nlow,-3,5\n", "new.csv")
    path = write_csv(plane())
    experiment = from_csv(path, "y", missing=missing, predict=new)
    config = RunConfig(logdir=tmp_path / "runs", steps=5, fast=True)
    folder = run("own", experiment, config).folder
    table = pd.read_csv(folder / "predictions.csv")
    assert table["y (handmade)"].isna().tolist() == [empty, False]


@pytest.mark.parametrize(
    ("content", "facts"),
    [
        ("a,side\n1,low\n", ["no column 'b'"]),
        ("a,b,side\n1,2,low\n1,2,lo\n", ["line 3", "'side'", "high, low", "'lo'"]),
        ("a,b,side\n1,x,low\n", ["line 2", "'b'", "number", "'x'"]),
        ("a;b;side\n1,5;2,5;low\n", ["line 2", "'a'", "number", "'1,5'"]),
        ("a,b,side\n", ["no rows"]),
    ],
)
def test_rows_that_cannot_be_predicted_are_refused(
    content: str, facts: list[str], write_csv: Write
):
    new = write_csv(content, "new.csv")
    with pytest.raises(ValueError, match=r"new\.csv") as caught:
        from_csv(write_csv(plane()), "y", predict=new)
    assert all(fact in str(caught.value) for fact in facts)


def test_the_figure_of_many_classes_is_drawn(write_csv: Write, tmp_path: Path):
    rows = [["x", "y"], *([i % 15 + 0.1 * (i // 15), i % 15] for i in range(150))]
    experiment = from_csv(write_csv(rows), "y")
    drawn: list[Figure] = []

    def claim(side):
        drawn.append(experiment.figures["answers"](side))
        return True, ""

    object.__setattr__(experiment, "claims", {"": claim})
    run("many", experiment, RunConfig(logdir=tmp_path / "runs", steps=5))
    assert len(drawn) == 2
