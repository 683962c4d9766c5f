"""What one step adds to curves.csv and to TensorBoard's events."""

import json
import math

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from compare.lockstep import Step
from compare.logger import COLUMNS, RunLogger
from compare.run_folder import read_curves


@pytest.fixture
def logged(tmp_path):
    """The folder of a run of one step, in which everything differs."""
    step = Step(
        number=7,
        losses={"handmade": 1.5, "torch_ref": 4.0},
        gradients={"0.weight": 0.25, "0.bias": 0.125},
        parameters={"0.weight": 0.5, "0.bias": 0.75},
        one_step=1e-3,
        trajectory=1e-2,
        tolerance=1e-13,
        rates={},
    )
    with RunLogger.new(tmp_path, "lesson") as run:
        run.log(step, "seed 3", "linear", 3)
        for label in ("train", "seed 3"):
            run.histograms("handmade", label, 7, {"weights/0.bias": np.ones(2)})
        run.text("notes", "a **text**")
    return run.folder


def events(folder):
    return EventAccumulator(str(folder), {"tensors": 0, "scalars": 0}).Reload()


def test_a_row_of_curves_csv_has_the_differences(logged):
    ((row,),) = read_curves(logged, ["seed 3"]).values()
    want = ["linear", 3, 7, 1.5, 4.0, 2.5, 0.25, 0.75, 1e-3, 1e-2]
    assert row == {n: str(v) for n, v in zip(COLUMNS, want, strict=True)}


def test_the_same_differences_are_drawn_as_logarithms(logged):
    want = {"loss": 2.5, "one_step": 1e-3, "trajectory": 1e-2, "tolerance": 1e-13}
    want |= {"gradient_0.weight": 0.25, "gradient_0.bias": 0.125}
    read = events(logged / "compare")
    for name, value in want.items():
        (point,) = read.Scalars(f"difference/{name}_log10/seed 3")
        assert point.step == 7
        assert point.value == pytest.approx(math.log10(value), rel=1e-6)


def test_only_the_first_trial_has_tags_without_its_label(logged):
    tags = events(logged / "handmade").Tags()["tensors"]
    assert tags == ["weights/0.bias", "weights/0.bias/seed 3"]


def test_a_text_is_for_the_plugin_that_shows_texts(logged):
    metadata = events(logged / "compare").SummaryMetadata("notes")
    assert metadata.plugin_data.plugin_name == "text"


def test_what_json_has_no_number_for_is_a_text(logged):
    with RunLogger(logged, {}) as run:
        run.write_summary(largest=math.inf, losses=[math.nan, 1.0])
    summary = json.loads((logged / "summary.json").read_text(encoding="utf-8"))
    assert (summary["largest"], summary["losses"]) == ("inf", ["nan", 1.0])
