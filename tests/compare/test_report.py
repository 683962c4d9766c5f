"""report.html says what summary.json says, alone, in two languages, and safely."""

import csv
import json
import math
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from compare import registry
from compare.report import chart
from compare.report.page import NAME, page, verdict_of
from compare.trainer import LessonError, Result, RunConfig, run
from compare.translation import LANGUAGES

OWN_RATE = """steps=30, learners={"own": backprop(
    model=lambda nn: nn.Linear(2, 1),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=1e30))}"""


class Tags(HTMLParser):
    """All elements of a page, whose tags must be balanced, and its text."""

    VOID = ("meta", "img")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text, self.open = "", []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def report(result: Result) -> str:
    return (result.folder / NAME).read_text(encoding="utf-8")


def summary(folder: Path) -> dict:
    return json.loads((folder / "summary.json").read_text(encoding="utf-8"))


def own(tmp_path: Path, own_lesson: Callable[..., str], changes: str) -> Result:
    _, lesson = registry.load(own_lesson(changes))
    return run("own", lesson, RunConfig(logdir=tmp_path))


def test_the_page_asks_for_nothing_and_runs_nothing(short_run: Result):
    page = report(short_run)
    tags = Tags(page).found
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in tags}
    sources = [a["src"] for _, a in tags if "src" in a]
    assert all(source.startswith("data:image/png;base64,") for source in sources)
    assert not [a for _, a in tags if any(name.startswith("on") for name in a)]
    assert not re.search(r"@import|url\(", page)
    assert len(page.encode()) < 300_000


def test_the_page_shows_the_numbers_of_the_summary(short_run: Result):
    shown, said = Tags(report(short_run)).text, summary(short_run.folder)
    assert said["title"] in shown
    assert said["verdict"]["train"]["words"] in shown
    for text, check in said["claims"].items():
        assert text in shown
        assert check["found"] in shown
    assert said["versions"]["torch"] in shown


def test_a_run_of_an_earlier_version_is_shown_alike(short_run: Result, tmp_path: Path):
    copy = tmp_path / short_run.folder.parent.name / short_run.folder.name
    shutil.copytree(short_run.folder, copy)
    curves = copy / "curves.csv"
    text = curves.read_text(encoding="utf-8")
    assert "one_step_diff" in text
    curves.write_text(text.replace("one_step_diff", "resynced_diff"), encoding="utf-8")
    assert page(copy) == page(short_run.folder)


def test_a_table_is_named_by_its_lesson(short_run: Result, tmp_path: Path):
    copy = tmp_path / "penguins" / short_run.folder.name
    shutil.copytree(short_run.folder, copy)
    source = json.dumps({"csv": "penguins.csv", "target": "species"})
    changed = {**summary(copy), "source": source, "lesson": "penguins"}
    (copy / "summary.json").write_text(json.dumps(changed), encoding="utf-8")
    assert "Lessonpenguins" in (shown := Tags(page(copy)).text)
    assert "species" not in shown


def test_a_rounding_verdict_gives_both_errors_and_the_tolerance(
    tmp_path: Path, own_lesson: Callable[..., str]
):
    name, lesson = registry.load("xor_mlp")
    lesson = replace(lesson, seeds=1, steps=20, figures={})
    folder = run(name, lesson, RunConfig(logdir=tmp_path, fast=False)).folder
    errors = summary(folder)["errors"]["train"]
    assert 0 < errors["one_step"] <= errors["tolerance"] < 1e-12
    assert set(errors["gradients"]) == {"0.weight", "0.bias", "2.weight", "2.bias"}
    assert max(errors["gradients"].values()) <= errors["one_step"]
    numbers = [errors[n] for n in ("one_step", "tolerance", "trajectory")]
    for language in LANGUAGES:
        shown = Tags(page(folder, language)).text
        assert all(f"{number:.0e}" in shown for number in numbers)
    with (folder / "curves.csv").open(newline="") as file:
        last = [*csv.DictReader(file)][-1]
    assert float(last["trajectory_diff"]) == errors["trajectory"]


def test_a_title_with_a_script_is_text(tmp_path: Path, own_lesson: Callable[..., str]):
    title = "<script>alert(1)</script> & <b>x</b>"
    result = own(tmp_path, own_lesson, f"title={title!r}, story={title!r}, steps=2")
    found = Tags(report(result))
    assert "script" not in {tag for tag, _ in found.found}
    assert found.text.count(title) >= 2


def test_a_diverged_run_has_its_report_and_its_last_point(
    tmp_path: Path, own_lesson: Callable[..., str]
):
    result = own(tmp_path, own_lesson, OWN_RATE)
    assert result.status == "diverged"
    assert result.reason in Tags(report(result)).text
    with (result.folder / "curves.csv").open(newline="") as file:
        last = [*csv.DictReader(file)][-1]
    assert not math.isfinite(float(last["handmade"]))
    assert last["loss_diff"] == ""


def test_a_mistake_is_named(tmp_path: Path, own_lesson: Callable[..., str]):
    loss = "nn.MSELoss(reduction='mean' if 'torch' in nn.__name__ else 'sum')"
    result = own(tmp_path, own_lesson, OWN_RATE.replace("nn.MSELoss()", loss))
    assert result.verdict.kind == "mistake"
    assert f"mistake: {result.verdict.words}" in Tags(report(result)).text
    german = Tags(page(result.folder, "de")).text
    assert "Programmfehler: Schritt 0" in german


def test_a_run_of_an_earlier_version_can_be_shown(short_run: Result, tmp_path: Path):
    said = summary(short_run.folder)
    del said["errors"]
    said["verdict"]["train"] |= {"kind": "bug", "words": "step 3, weight"}
    (tmp_path / "summary.json").write_text(json.dumps(said))
    rows = (short_run.folder / "curves.csv").read_text().splitlines()
    older = [row.rpartition(",")[0] for row in rows]
    (tmp_path / "curves.csv").write_text("\n".join(older))
    assert "mistake: step 3, weight" in Tags(page(tmp_path)).text


def test_a_failed_run_has_its_report(tmp_path: Path, own_lesson: Callable[..., str]):
    with pytest.raises(LessonError):
        own(tmp_path, own_lesson, "claims={'x': lambda side: 1 / 0}, steps=2")
    (path,) = tmp_path.glob(f"own/*/{NAME}")
    assert "ZeroDivisionError" in Tags(path.read_text(encoding="utf-8")).text
    assert [p.name for p in path.parent.glob("*.tmp")] == []


def test_a_failing_check_is_counted(tmp_path: Path, own_lesson: Callable[..., str]):
    checks = "claims={'a': lambda side: (False, '7'), 'b': lambda side: (True, '')}"
    shown = Tags(report(own(tmp_path, own_lesson, f"{checks}, steps=2"))).text
    assert "1 of 2 checks fail" in shown


def test_a_run_that_is_cut_off_in_a_row_can_be_shown(short_run: Result, tmp_path: Path):
    folder = tmp_path / "or_gate" / "1"
    folder.mkdir(parents=True)
    for name in ("curves.csv", "summary.json"):
        (folder / name).write_bytes((short_run.folder / name).read_bytes())
    rows = (folder / "curves.csv").read_text().splitlines()
    (folder / "curves.csv").write_text("\n".join([*rows[:5], rows[5][:12]]))
    assert "<polyline" in page(folder)
    (folder / "curves.csv").write_text(rows[0] + "\n")
    assert "<polyline" not in page(folder)


# Two languages


def test_a_page_in_german_has_the_same_parts(short_run: Result):
    english, german = (Tags(page(short_run.folder, n)) for n in LANGUAGES)
    assert [tag for tag, _ in english.found] == [tag for tag, _ in german.found]
    assert "identisch" in german.text
    assert "Einstellungen" in german.text
    assert "Settings" not in german.text


def test_a_language_without_words_is_refused(short_run: Result):
    with pytest.raises(ValueError, match=r"'en', 'de'.*got 'fr'"):
        page(short_run.folder, "fr")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_gravest_verdict_is_the_runs(language: str):
    rounding = {"kind": "rounding", "words": "w", "difference": 1e-3, "learned": True}
    mistake = {"kind": "mistake", "words": "step 3", "difference": "inf"}
    kind, said = verdict_of({"verdict": {"a": rounding, "b": mistake}}, language)
    assert kind == "mistake"
    assert "step 3" in said
    assert verdict_of({}, language)[0] == ""


# Charts


def test_thinned_points_keep_the_ends_and_the_extremes():
    points = [(float(i), math.sin(i / 7)) for i in range(10_000)]
    points[4321] = (4321.0, 50.0)
    kept = chart.thinned(points, 100)
    assert len(kept) <= 101
    assert (4321.0, 50.0) in kept
    assert kept[-1] == points[-1]
    assert kept == sorted(kept)


@pytest.mark.parametrize("value", [0.0, 1e-300, 1.0, 1e303, -5.0])
def test_a_constant_loss_can_be_drawn(value: float):
    drawn = chart.losses([chart.Curve("handmade", [(0, value), (1, value)])], "x", "y")
    assert "nan" not in drawn
    assert "<polyline" in drawn


def test_what_is_not_finite_is_marked_at_its_step():
    curve = chart.Curve("handmade", [(0, 1.0), (1, 2.0), (2, math.inf), (3, math.nan)])
    assert chart.losses([curve], "x", "y").count("beyond") == 2


def test_a_difference_of_zero_lies_on_the_axis():
    axis = chart.HEIGHT - chart.BOTTOM
    curve = chart.Curve("trajectory", [(0, 0.0), (1, 0.0)])
    drawn = chart.differences([curve], 1e-13, "x", "y")
    assert re.search(rf'points="[\d.]+,{axis}.0 [\d.]+,{axis}.0"', drawn)
    assert re.search(rf'y="{axis + 4}.0" class="end">0<', drawn)
