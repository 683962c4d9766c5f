"""What TensorBoard is given is what it shows, to this machine alone."""

import csv
import io
import json
import math
import re
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from compare import logger, registry, run_folder, tensorboard
from compare.event_file import FLOAT32_MAX
from compare.logger import RunLogger
from compare.plots import CARD_WIDTH
from compare.tensorboard import RUNS, Server, deep_link
from compare.trainer import Result, RunConfig, run

SIDES = ("handmade", "torch_ref")
OWN_RATE = """steps=30, learners={"own": backprop(
    model=lambda nn: nn.Linear(2, 1),
    loss=lambda nn: nn.MSELoss(),
    optimizer=lambda optim, parameters: optim.SGD(parameters, lr=1e30))}"""
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def server(logdir: Path, short_run: Result, long_run: Result) -> Iterator[Server]:
    with Server(logdir) as server:
        yield server


@pytest.fixture
def ask(server: Server, eventually: Ask) -> Ask:
    """Asks the server for JSON until `ready` says that it has loaded enough."""

    def get(path: str, ready: Callable[[Any], Any] = bool) -> Any:
        def attempt() -> Any:
            answer = json.loads(server.get(path))
            return answer if ready(answer) else None

        return eventually(attempt)

    return get


@pytest.fixture
def points(ask: Ask) -> Ask:
    """All points of a curve, as the server has them: [wall time, step, value]."""

    def get(run: str, tag: str, count: int) -> list[list[float]]:
        path = f"/data/plugin/scalars/scalars?run={quote(run)}&tag={quote(tag)}"
        return ask(path, lambda curve: len(curve) >= count)

    return get


def run_name(result: Result, side: str) -> str:
    return f"{result.lesson}/{result.folder.name}/{side}"


def curves(result: Result) -> list[dict[str, str]]:
    with (result.folder / "curves.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def float32(number: float) -> float:
    """What is left of a number in an event file."""
    return struct.unpack("f", struct.pack("f", number))[0]


def on_disk(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()


def accepts(host: str, port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(2)
        return client.connect_ex((host, port)) == 0


# What the server shows


def test_both_sides_and_their_comparison_are_listed(ask: Ask, short_run: Result):
    wanted = {run_name(short_run, side) for side in RUNS}
    assert wanted <= set(ask("/data/runs", lambda runs: wanted <= set(runs)))


def test_both_sides_have_the_same_tags(ask: Ask, short_run: Result):
    ours, theirs = (run_name(short_run, side) for side in SIDES)
    path = "/data/plugin/scalars/tags"
    tags = ask(path, lambda t: ours in t and theirs in t and t[ours] == t[theirs])
    assert set(short_run.tags) < set(tags[ours])


@pytest.mark.parametrize("side", SIDES)
def test_both_curves_have_as_many_points_as_steps(
    side: str, points: Ask, short_run: Result
):
    steps = [int(row["step"]) for row in curves(short_run)]
    curve = points(run_name(short_run, side), "loss/train", len(steps))
    assert [step for _, step, _ in curve] == steps


@pytest.mark.parametrize("side", SIDES)
def test_a_run_of_more_than_1000_steps_keeps_every_point(
    side: str, points: Ask, long_run: Result
):
    curve = points(run_name(long_run, side), "loss/train", 1001)
    assert [step for _, step, _ in curve] == list(range(len(curves(long_run))))


@pytest.mark.parametrize("side", SIDES)
def test_both_curves_are_the_ones_in_curves_csv(
    side: str, points: Ask, short_run: Result
):
    wanted = [float32(float(row[side])) for row in curves(short_run)]
    curve = points(run_name(short_run, side), "loss/train", len(wanted))
    assert [float32(value) for *_, value in curve] == wanted


def test_the_difference_is_the_one_in_curves_csv(points: Ask, short_run: Result):
    wanted = [logger.log10(float(row["loss_diff"])) for row in curves(short_run)]
    tag = "difference/loss_log10/train"
    curve = points(run_name(short_run, "compare"), tag, len(wanted))
    assert [value for *_, value in curve] == pytest.approx(wanted, rel=1e-6)


def test_the_verdict_can_be_read(ask: Ask, short_run: Result):
    run = run_name(short_run, "compare")
    assert "verdict" in ask("/data/plugin/text/tags", lambda t: run in t)[run]
    (text,) = ask(f"/data/plugin/text/text?run={quote(run)}&tag=verdict")
    assert short_run.verdict.words in text["text"]


def test_the_pictures_can_be_seen(ask: Ask, server: Server, short_run: Result):
    run = run_name(short_run, "compare")
    assert "curves" in ask("/data/plugin/images/tags", lambda t: run in t)[run]
    (image,) = ask(f"/data/plugin/images/images?run={quote(run)}&tag=curves&sample=0")
    sent = server.get(f"/data/plugin/images/individualImage?{image['query']}")
    written = EventAccumulator(str(short_run.folder / "compare")).Reload()
    assert sent == written.Images("curves")[0].encoded_image_string
    shown = Image.open(io.BytesIO(sent))
    assert shown.width == CARD_WIDTH
    assert len(shown.convert("L").getcolors()) > 10  # lines and letters, no blank


# Who may look


def test_no_other_address_reaches_the_server(server: Server):
    port = urlsplit(server.url).port
    others = {"127.0.0.2", *socket.gethostbyname_ex(socket.gethostname())[2]}
    assert accepts("127.0.0.1", port)
    assert not any(accepts(host, port) for host in others - {"127.0.0.1"})


def test_a_server_on_all_addresses_would_have_been_noticed():
    with socket.create_server(("0.0.0.0", 0)) as everywhere:
        assert accepts("127.0.0.2", everywhere.getsockname()[1])


def test_the_command_names_one_host_and_keeps_every_point(tmp_path: Path):
    words = tensorboard.command(tmp_path, 6006)
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--samples_per_plugin") + 1] == "scalars=999999"
    assert "--bind_all" not in words


# Starting and ending


def test_the_server_ends_with_its_block(logdir: Path):
    with Server(logdir) as server:
        port = urlsplit(server.url).port
        assert accepts("127.0.0.1", port)
    assert not accepts("127.0.0.1", port)


def test_a_taken_port_is_reported_in_tensorboards_own_words(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = f"(?s)did not start.*port {port}.*port 0 takes a free one"
        with pytest.raises(RuntimeError, match=words):
            Server(tmp_path, port)


def test_a_server_that_talks_a_lot_is_not_held_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    talk = "print('http://127.0.0.1:1/', flush=True); print('much\\n' * 100_000)"
    monkeypatch.setattr(tensorboard, "command", lambda *_: [sys.executable, "-c", talk])
    with Server(tmp_path) as server:
        assert server.wait() == 0


def test_a_missing_folder_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        Server(tmp_path / "nowhere")


# The link


def link_parts(link: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


def test_the_link_pins_its_tags_and_smooths_nothing():
    parts = link_parts(deep_link("http://127.0.0.1:6006/", "or/", ["loss/a b", "l&r"]))
    assert parts["smoothing"] == "0"
    assert json.loads(parts["pinnedCards"]) == [
        {"plugin": "scalars", "tag": "loss/a b"},
        {"plugin": "scalars", "tag": "l&r"},
    ]


def test_the_link_opens_the_time_series_of_the_server():
    parts = urlsplit(deep_link("http://127.0.0.1:6006/", "or_gate/", ["loss/train"]))
    assert (parts.netloc, parts.path, parts.fragment) == (
        "127.0.0.1:6006",
        "/",
        "timeseries",
    )


def test_the_link_gives_each_side_one_color_in_all_runs():
    parts = link_parts(deep_link("http://127.0.0.1:6006", "", ["loss/train"]))
    assert parts["runColorGroup"] == "regex:(handmade|torch_ref|compare)"


def test_the_link_after_a_run_shows_that_run_alone(short_run: Result):
    parts = link_parts(run_folder.link("http://127.0.0.1:6006", short_run.folder))
    assert re.search(parts["runFilter"], run_name(short_run, "handmade"))
    assert not re.search(parts["runFilter"], "or_gate/20000101-000000/handmade")


def test_the_link_after_a_run_pins_curves_picture_and_difference(short_run: Result):
    parts = link_parts(run_folder.link("http://127.0.0.1:6006", short_run.folder))
    curve, picture, gap = json.loads(parts["pinnedCards"])
    assert curve["tag"] == "loss/train"
    assert picture["runId"].endswith(run_name(short_run, "compare"))
    assert gap["tag"] == "difference/trajectory_log10/train"


def test_every_pinned_tag_of_a_lesson_with_many_trials_exists(
    tmp_path: Path, own_lesson: Ask
):
    _, lesson = registry.load(own_lesson("seeds=4, steps=2"))
    folder = run("own", lesson, RunConfig(logdir=tmp_path)).folder
    pins = json.loads(link_parts(run_folder.link("http://h", folder))["pinnedCards"])
    scalars = [pin["tag"] for pin in pins if pin["plugin"] == "scalars"]
    logged = [on_disk(folder / side).Tags()["scalars"] for side in RUNS]
    assert len(scalars) == 4
    assert set(scalars) <= set().union(*logged)


def test_the_newest_run_is_found(tmp_path: Path):
    first, second = RunLogger.new(tmp_path, "a"), RunLogger.new(tmp_path, "a")
    other = RunLogger.new(tmp_path, "b")
    for opened in (first, second, other):
        opened.close()
    assert run_folder.newest(tmp_path, "a") == second.folder
    assert run_folder.newest(tmp_path, "b") == other.folder
    assert run_folder.newest(tmp_path) in (second.folder, other.folder)


def test_a_folder_without_runs_has_no_newest(tmp_path: Path):
    assert run_folder.newest(tmp_path) is None
    with pytest.raises(FileNotFoundError, match="no runs of 'or_gat'"):
        run_folder.newest(tmp_path, "or_gat")


@pytest.mark.parametrize(
    ("runs", "shown", "hidden"),
    [
        ("or_gate/", "or_gate/1/handmade", "xor_gate/1/handmade"),
        ("or_gate/", "or_gate/1/handmade", "or_gate_2/1/handmade"),
        ("a.b/", "a.b/1/handmade", "axb/1/handmade"),
        ("", "or_gate/1/handmade", None),
    ],
)
def test_the_link_shows_only_runs_that_start_so(
    runs: str, shown: str, hidden: str | None
):
    parts = link_parts(deep_link("http://127.0.0.1:6006", runs, []))
    assert re.search(parts["runFilter"], shown)
    assert hidden is None or not re.search(parts["runFilter"], hidden)


# Writing


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_drawn_as_float32s_limit_or_nan(
    value: float, tmp_path: Path
):
    with RunLogger.new(tmp_path, "own") as log:
        log.metrics("handmade", "train", 0, {"odd": value, "even": 2.0})
    shown = on_disk(log.folder / "handmade")
    limit = math.copysign(FLOAT32_MAX, value)
    wanted = pytest.approx(math.nan if math.isnan(value) else limit, nan_ok=True)
    assert shown.Scalars("odd")[0].value == wanted
    assert shown.Scalars("even")[0].value == 2


def test_a_loss_beyond_float32_is_a_point_and_a_text_and_the_last_is_a_point(
    tmp_path: Path, own_lesson: Ask
):
    _, lesson = registry.load(own_lesson(OWN_RATE))
    result = run("own", lesson, RunConfig(logdir=tmp_path))
    losses = [float(row["handmade"]) for row in curves(result)]
    shown = on_disk(result.folder / "handmade").Scalars("loss/train")
    assert result.status == "diverged"
    assert not math.isfinite(losses[-1])
    assert [point.step for point in shown] == [*range(len(losses))]
    assert all(math.isfinite(point.value) for point in shown)
    beyond = [step for step, x in enumerate(losses) if x > FLOAT32_MAX]
    tag = "loss_beyond_float32/train"
    texts = on_disk(result.folder / "compare").Tensors(tag)
    assert len(beyond) > 1
    assert [text.step for text in texts] == beyond
    assert repr(losses[beyond[0]]) in str(texts[0].tensor_proto)


def test_a_point_is_on_disk_within_a_second(tmp_path: Path, eventually: Ask):
    def has(step: int) -> bool:
        shown = on_disk(log.folder / "handmade")
        points = shown.Scalars("loss") if "loss" in shown.Tags()["scalars"] else []
        return step in [point.step for point in points]

    with RunLogger.new(tmp_path, "own") as log:
        for step in range(3):
            log.metrics("handmade", "train", step, {"loss": step})
            began = time.monotonic()
            eventually(lambda step=step: has(step))
            assert time.monotonic() - began < 1


def test_closing_twice_does_nothing(tmp_path: Path):
    log = RunLogger.new(tmp_path, "own")
    log.close()
    log.close()


@pytest.mark.parametrize(
    ("difference", "drawn"), [(1.0, 0), (1e-12, -12), (0.0, -20), (1e-300, -20)]
)
def test_a_difference_of_zero_is_drawn_at_the_floor(difference: float, drawn: float):
    assert logger.log10(difference) == pytest.approx(drawn)
