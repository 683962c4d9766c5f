"""A table of one's own becomes a lesson, or is refused with the place that hinders."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import LinearRegression
from typer.testing import CliRunner, Result

from compare import registry
from compare.backend import Backend
from compare.cli import app
from compare.experiment import Data
from compare.logger import read_summary
from compare.tables.columns import MOST_CLASSES, inputs, target
from compare.tables.lesson import FEWEST_ROWS, from_csv
from compare.tables.reference import load, reference, units
from compare.tables.rows import Scale
from compare.tables.text import read
from compare.trainer import RunConfig, run

Write = Callable[..., Path]
ROWS = 40


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file of this text, or of these rows."""

    def write(content: str | bytes | Sequence[Sequence[object]], name="own.csv"):
        if not isinstance(content, str | bytes):
            content = "".join(",".join(map(str, row)) + "\n" for row in content)
        if isinstance(content, str):
            content = content.encode()
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return write


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


def drawn(path: Path, name: str, seed: int = 0) -> Data:
    lesson = from_csv(path, name)
    assert callable(lesson.data)
    return lesson.data(np.random.default_rng(seed))


def call(*words: object) -> Result:
    return CliRunner().invoke(app, ["run", *map(str, words)])


# Reading


@pytest.mark.parametrize(
    "text",
    [
        "a,b,c\n1,2,3\n4,5,6\n",
        "a;b;c\n1;2;3\n4;5;6\n",
        "a\tb\tc\r\n1\t2\t3\r\n4\t5\t6\r\n",
        "a|b|c\r1|2|3\r4|5|6",
        '"a","b","c"\n"1","2","3"\n4,5,6\n',
        "\ufeffa,b,c\n1,2,3\n4,5,6\n",
        " a , b , c \n\n1, 2, 3 \n\n4,5,6\n\n",
    ],
    ids=["commas", "semicolons", "tabs", "bars", "quotes", "mark", "blanks"],
)
def test_a_table_is_read_however_it_is_written(text: str, write: Write):
    table = read(write(text))
    assert table.names == ["a", "b", "c"]
    assert table.rows == [["1", "2", "3"], ["4", "5", "6"]]


def test_quoted_fields_may_hold_separators_quotes_and_line_breaks(write: Write):
    table = read(write('"x, m";"y\n(m)"\n"say ""hi""; so";2\n3;4\n'))
    assert table.names == ["x, m", "y\n(m)"]
    assert table.rows == [['say "hi"; so', "2"], ["3", "4"]]
    assert table.lines == [3, 4]


def test_a_ragged_line_does_not_change_the_separator(write: Write):
    with pytest.raises(ValueError, match=r"line 3: 2 fields, but .* names 3 columns"):
        read(write("a;b;c\n1;2;3\n4,5;6\n7;8;9\n"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("\ufeff", "is empty"),
        ("a,b\n1,2\n3\n", "line 3: 1 field, but the first line names 2 columns"),
        ("a,b\n1,2,3\n", "line 2: 3 fields, but the first line names 2 columns"),
        ("a,b,a\n1,2,3\n", "more than one column is named 'a'"),
        ("a,,b\n1,2,3\n", "column 2 has no name"),
        ('a,b\n1,"2\n', "unexpected end of data"),
        (b"a,b\n1,\xff\n", r"is no UTF-8 text \(byte 6\)"),
        ("a,b\n1,2\n".encode("utf-16"), "is no UTF-8 text"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    content: str | bytes, message: str, write: Write
):
    with pytest.raises(ValueError, match=message) as caught:
        read(write(content))
    assert "own.csv" in str(caught.value)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*x\.csv"):
        read(tmp_path / "x.csv")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read(tmp_path)


# Columns


@pytest.mark.parametrize(
    ("field", "trouble"),
    [
        ("", "missing value$"),
        ("NA", r"missing value \(NA\)$"),
        ("n/a", "missing value"),
        ("None", "missing value"),
        ("?", "missing value"),
        ("nan", "'nan' is not finite"),
        ("-inf", "'-inf' is not finite"),
        ("Infinity", "'Infinity' is not finite"),
        ("1e999", "'1e999' is not finite"),
        ('"1,5"', "'1,5' has a decimal comma; write a point"),
        ('"-1.234,5"', "'-1.234,5' has a decimal comma"),
        ("1_000", "'1_000' is no number"),
        ("12 kg", "'12 kg' is no number"),
        ("true", "'true' is no number"),
    ],
)
@pytest.mark.parametrize("column", ["b", "y"])
def test_a_field_that_is_no_number_is_named_with_its_place(
    field: str, trouble: str, column: str, write: Write
):
    rows = without(plane(), "side")
    rows[7][rows[0].index(column)] = field
    with pytest.raises(ValueError, match=f"line 8, column '{column}': {trouble}"):
        from_csv(write(rows), "y")


def test_a_whole_column_of_decimal_commas_is_no_text(write: Write):
    text = "a;y\n" + "".join(f"{i},5;{i}.25\n" for i in range(ROWS))
    with pytest.raises(ValueError, match="column 'a': '0,5' has a decimal comma"):
        from_csv(write(text), "y")


def test_all_columns_of_text_among_the_inputs_are_named_at_once(write: Write):
    rows = [[*row, f"name {i}"] for i, row in enumerate(plane())]
    rows[0][-1] = "who"
    with pytest.raises(ValueError, match="but text stands in 'side', 'who'; leave"):
        from_csv(write(rows), "y")


@pytest.mark.parametrize(
    ("fields", "classes"),
    [
        (["yes", "no"], ["no", "yes"]),
        (["True", "False"], ["False", "True"]),
        (["NA", "None", "DE"], ["DE", "NA", "None"]),
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
    fields: list[str], classes: list[str], write: Write
):
    lines = [[i + 0.5, field] for i, field in enumerate(fields * 3)]
    found = target(read(write([["x", "y"], *lines])), "y")
    assert found.classes == classes
    if classes:
        assert found.values.dtype == np.int64
        named = [found.classes[i] for i in found.values[: len(fields)]]
        assert named == [field.removeprefix("+") for field in fields]
    else:
        np.testing.assert_array_equal(found.values, np.float64(fields * 3))


def test_the_inputs_are_all_other_columns_in_their_order(write: Write):
    names, x = inputs(read(write("a,y,b\n1,2,3\n4,5,6\n")), "y")
    assert names == ["a", "b"]
    np.testing.assert_array_equal(x, [[1, 3], [4, 6]])


# Tables that cannot be learned from


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Side", "has no column 'Side'; did you mean 'side'?"),
        ("sied", "has no column 'sied'; did you mean 'side'?"),
        ("qqq", "has no column 'qqq'; there are 'a', 'b', 'y', 'side'"),
    ],
)
def test_an_unknown_target_suggests_the_nearest(name: str, message: str, write: Write):
    with pytest.raises(ValueError, match="column") as caught:
        from_csv(write(plane()), name)
    assert message in str(caught.value)


def test_a_file_whose_first_line_holds_numbers_is_pointed_out(write: Write):
    with pytest.raises(ValueError, match="its first line must name the columns"):
        from_csv(write(without(plane(), "side")[1:]), "y")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("1.5", "the target 'y' is constant, 1.5 in every row"),
        ("7", "the target 'y' has only one class, '7'"),
        ("cat", "the target 'y' has only one class, 'cat'"),
    ],
)
def test_a_target_that_never_changes_is_refused(value: str, message: str, write: Write):
    rows = [["x", "y"], *([i, value] for i in range(ROWS))]
    with pytest.raises(ValueError, match=message):
        from_csv(write(rows), "y")


def test_too_few_rows_are_counted(write: Write):
    few = without(plane(FEWEST_ROWS - 1), "side")
    with pytest.raises(ValueError, match=f"has {FEWEST_ROWS - 1} rows of data, needed"):
        from_csv(write(few), "y")
    enough = without(plane(FEWEST_ROWS), "side")
    assert len(drawn(write(enough), "y").test_set[0]) == FEWEST_ROWS // 5


def test_a_class_of_one_row_is_named(write: Write):
    rows = without(plane(), "y")
    rows[5][-1] = "middle"
    with pytest.raises(ValueError, match="class 'middle' of 'side' has only one row"):
        from_csv(write(rows), "side")


def test_a_table_of_the_target_alone_is_refused(write: Write):
    with pytest.raises(ValueError, match="has no column but the target 'y'"):
        from_csv(write([["y"], *([i % 2] for i in range(ROWS))]), "y")


@pytest.mark.parametrize("text", ["32,x", "0", "-1", "1.5", ",", "32,,16", "10001"])
def test_hidden_layers_that_are_none_are_refused(text: str):
    with pytest.raises(ValueError, match="hidden must be whole numbers") as caught:
        units(text)
    assert repr(text) in str(caught.value)


def test_hidden_layers_are_listed_by_commas():
    assert units("32, 16") == (32, 16)
    assert units("") == ()


# Examples


def test_the_training_part_alone_is_standardised_to_mean_0_and_deviation_1(
    write: Write,
):
    path = write(without(plane(), "side"))
    data = drawn(path, "y")
    x_test, _ = data.test_set
    np.testing.assert_allclose(data.x.mean(axis=0), 0, atol=1e-14)
    np.testing.assert_allclose(data.x.std(axis=0), 1, rtol=1e-14)
    assert np.abs(x_test.mean(axis=0)).min() > 1e-3


def test_what_is_standardised_goes_back_to_what_it_was():
    rng = np.random.default_rng(0)
    for size in (1e-300, 1.0, 1e300):
        values = size * (rng.normal(size=(50, 2)) + 3)
        scale = Scale.of(values)
        standard = scale(values)
        np.testing.assert_allclose(standard.std(axis=0), 1, rtol=1e-14)
        np.testing.assert_allclose(scale.back(standard), values, rtol=1e-13)


def test_a_constant_input_becomes_0(write: Write):
    rows = without(plane(), "side")
    for row in rows[1:]:
        row[0] = 0.1
    data = drawn(write(rows), "y")
    assert np.abs(data.x[:, 0]).max() < 1e-15


def test_a_fifth_is_held_out_and_no_row_is_in_both_parts(write: Write):
    path = write(without(plane(), "side"))
    data = drawn(path, "y")
    _, wanted = data.test_set
    everything = np.concatenate([data.target, wanted])[:, 0]
    _, x = inputs(read(path), "a")
    truth = Scale.of(x[:, 1])(x[:, 1])
    assert len(wanted) == ROWS // 5
    np.testing.assert_allclose(np.sort(everything), np.sort(truth), atol=1e-14)


def test_classes_keep_their_shares_in_both_parts(write: Write):
    rows = [
        ["x", "y"],
        *([i * 0.5, "rare" if i % 10 == 0 else "usual"] for i in range(100)),
    ]
    data = drawn(write(rows), "y")
    assert np.bincount(data.target).tolist() == [8, 72]
    assert np.bincount(data.test_set[1]).tolist() == [2, 18]


def test_every_class_is_held_out_however_many_there_are(write: Write):
    rows = [["x", "y"], *([i * 0.5, f"c{i % 15}"] for i in range(30))]
    data = drawn(write(rows), "y")
    assert np.bincount(data.target).tolist() == [1] * 15
    assert np.bincount(data.test_set[1]).tolist() == [1] * 15


def test_the_seed_decides_what_is_held_out(write: Write):
    path = write(without(plane(), "side"))
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


@pytest.mark.parametrize("backend", BACKENDS, ids=lambda b: f"{b.array}-{b.dtype}")
@pytest.mark.parametrize("hidden", [(), (16, 8)], ids=["perceptron", "mlp"])
@pytest.mark.parametrize(("table", "name"), [(iris, "kind"), (diabetes, "progress")])
def test_both_sides_agree_on_a_table_and_beat_the_simplest_answer(
    table: Callable[[], list[list[object]]],
    name: str,
    hidden: tuple[int, ...],
    backend: Backend,
    write: Write,
    tmp_path: Path,
):
    asked = reference(write(table()), name, hidden)
    lesson, experiment = registry.load(asked)
    result = run(lesson, experiment, RunConfig(backend, 200, logdir=tmp_path / "runs"))
    assert result.ok, result
    assert list(experiment.learners) == ["mlp" if hidden else "perceptron"]


def test_a_perceptron_of_numbers_ends_near_the_least_squares_fit(
    write: Write, tmp_path: Path
):
    lesson, experiment = load(reference(write(diabetes()), "progress"))
    result = run(lesson, experiment, RunConfig(logdir=tmp_path / "runs", steps=1500))
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


def test_noise_is_not_said_to_be_learned(write: Write, tmp_path: Path):
    rng = np.random.default_rng(0)
    path = write([["a", "b", "c", "y"], *rng.normal(size=(100, 4))])
    answer = call(
        "--csv", path, "--target", "y", "--hidden", "64", "--logdir", tmp_path
    )
    assert answer.exit_code == 1
    assert "✗ better on held-out rows" in " ".join(answer.stdout.split())


def test_names_that_look_like_formulas_are_drawn_as_they_are(
    write: Write, tmp_path: Path
):
    rows = [["$x_", "$y^"], *([i * 0.5, f"{i}.5"] for i in range(ROWS))]
    lesson, experiment = load(reference(write(rows), "$y^"))
    assert run(lesson, experiment, RunConfig(logdir=tmp_path / "runs")).ok


# The command line


def test_a_run_says_what_was_taken_for_what(write: Write, tmp_path: Path):
    path = write(iris(), "my flowers (1).csv")
    words = ("--target", "kind", "--hidden", "8,4", "--logdir", tmp_path / "runs")
    answer = call("--csv", path, *words, "--seed", 3, "--array", "torch")
    said = " ".join(answer.stdout.split())
    assert answer.exit_code == 0, answer.output
    assert "'kind' holds text: classes (setosa, versicolor, virginica) are" in said
    assert "with CrossEntropyLoss" in said
    assert "30 of 150 rows" in said
    assert "4-8-4-3" in said
    (folder,) = (tmp_path / "runs" / "my_flowers_1").iterdir()
    assert json.loads((folder / "summary.json").read_text())["seed"] == 3
    assert {p.name for p in folder.glob("*.png")} == {"curves.png", "answers.png"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--target", "y"], "--target and --hidden go with --csv FILE"),
        (["--hidden", "3"], "--target and --hidden go with --csv FILE"),
        (["--csv", "FILE"], "--csv needs --target NAME"),
        (["--csv", "FILE", "--target", "z"], "has no column 'z'"),
        (["--csv", "FILE", "--target", "y", "or_gate"], "leave out 'or_gate'"),
        (["--csv", "FILE", "--target", "y", "--hidden", "a"], "hidden must be whole"),
        (["--csv", "FILE", "--target", "y", "--data", "mnist"], "only its own data"),
        (["--csv", "none.csv", "--target", "y"], "there is no file"),
        (["--resume", "runs/x/1", "--hidden", "3"], "--resume goes on as"),
    ],
)
def test_a_wrong_request_exits_2_and_leaves_nothing(
    words: list[str], message: str, write: Write, tmp_path: Path
):
    path = str(write(without(plane(), "side")))
    logdir = tmp_path / "runs"
    given = [path if word == "FILE" else word for word in words]
    answer = call(*given, "--logdir", logdir)
    assert answer.exit_code == 2
    assert message in " ".join(answer.stderr.split())
    assert not logdir.exists()


def test_a_cut_run_goes_on_and_a_changed_file_is_refused(write: Write, tmp_path: Path):
    path = write(without(plane(), "side"), "b & c#1?.csv")
    name = reference(path, "y", (4,))
    lesson, experiment = registry.load(name)

    def cut(steps, label, total):
        for step in steps:
            yield step
            if step.number == 20:
                raise KeyboardInterrupt

    settings = RunConfig(logdir=tmp_path / "runs", steps=60)
    with pytest.raises(KeyboardInterrupt):
        run(lesson, experiment, settings, cut, source=registry.source(name))
    (folder,) = (tmp_path / "runs" / lesson).iterdir()
    before = path.read_text()
    path.write_text(before + "1,2,3.5\n")
    refused = call("--resume", folder)
    assert refused.exit_code == 2
    assert "is not as it was" in refused.stderr
    path.write_text(before)
    assert call("--resume", folder).exit_code == 0
    assert len((folder / "curves.csv").read_text().splitlines()) == 61


def test_the_figure_of_many_classes_is_drawn(write: Write, tmp_path: Path):
    rows = [["x", "y"], *([i % 15 + 0.1 * (i // 15), i % 15] for i in range(150))]
    _, experiment = load(reference(write(rows), "y"))
    drawn: list[Figure] = []

    def claim(side):
        drawn.append(experiment.figures["answers"](side))
        return True, ""

    object.__setattr__(experiment, "claims", {"": claim})
    run("many", experiment, RunConfig(logdir=tmp_path / "runs", steps=5))
    assert len(drawn) == 2
