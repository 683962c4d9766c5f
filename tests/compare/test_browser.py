"""What a user sees in TensorBoard in a real browser, behind the printed link."""

import io
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
from matplotlib.image import imread

from compare import registry
from compare.tensorboard import RUNS, deep_link
from compare.trainer import Result

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PINNED = "metrics-pinned-view"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="has no Chromium"),
]


@pytest.fixture(scope="module")
def link(short_run: Result, eventually: Callable[..., Any]) -> Iterator[str]:
    """What `board` prints once its server has loaded the run."""
    command = [sys.executable, "-m", "compare", "board", short_run.lesson]
    command += ["--port", "0", "--logdir", str(short_run.folder.parents[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as board:
        try:
            board.stdout.readline()  # the tab "Compare"
            link = board.stdout.readline().removeprefix("Time Series: ").strip()
            runs = f"http://{urlsplit(link).netloc}/data/plugin/scalars/tags"
            eventually(lambda: all(s.encode() in urlopen(runs).read() for s in RUNS))
            yield link
        finally:
            board.terminate()


@pytest.fixture(scope="module")
def asked() -> list[str]:
    """The address of every request that the pages made."""
    return []


@pytest.fixture(scope="module")
def page(asked: list[str]) -> Iterator[Any]:
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        yield page
        browser.close()


def chart(page: Any) -> Any:
    return page.locator(f"{PINNED} scalar-card").first


def rows(page: Any, count: int) -> list[str]:
    """The table below the first chart, once it has `count` rows."""
    found = chart(page).locator("tb-data-table-content-row")
    playwright.expect(found).to_have_count(count, timeout=200_000)
    return sorted(found.all_inner_texts())


def colored_pixels(page: Any) -> int:
    """How many pixels of the pinned chart are no shade of gray."""
    png = chart(page).locator("canvas").screenshot()
    red_green_blue = imread(io.BytesIO(png))[..., :3]
    return int((np.ptp(red_green_blue, axis=-1) > 0.1).sum())


@pytest.fixture
def open_side(page: Any, link: str, short_run: Result) -> Callable[[str], None]:
    """Opens the chart with the curve of one side alone."""

    def open_it(side: str) -> None:
        run = f"{short_run.lesson}/{short_run.folder.name}/{side}"
        base = f"http://{urlsplit(link).netloc}"
        page.goto("about:blank")  # else the filter before stays
        page.goto(deep_link(base, run, ["loss/train"]), wait_until="networkidle")

    return open_it


def test_the_printed_link_shows_both_sides_in_one_card(page: Any, link: str):
    page.goto(link)
    ours, theirs = rows(page, 2)
    assert "/handmade" in ours
    assert "/torch_ref" in theirs
    assert "".join(chart(page).inner_text().split()).startswith("loss/train")


def test_the_printed_link_shows_the_difference_too(page: Any, link: str):
    page.goto(link)
    gap = page.locator(f"{PINNED} scalar-card").nth(1)
    row = gap.locator("tb-data-table-content-row")
    playwright.expect(row).to_have_count(1, timeout=200_000)
    assert "/compare" in row.inner_text()


def test_the_printed_link_shows_the_picture_of_both_curves(page: Any, link: str):
    page.goto(link)
    picture = page.locator(f"{PINNED} image-card img")
    playwright.expect(picture).to_be_visible(timeout=200_000)
    width = "image => image.decode().then(() => image.naturalWidth)"
    assert picture.evaluate(width) > 0


def test_both_sides_end_in_the_same_point_at_the_last_step(page: Any, link: str):
    page.goto(link)
    ours, theirs = (row.split()[1:3] for row in rows(page, 2))
    assert ours == theirs
    assert ours[1] == str(registry.load("or_gate")[1].steps - 1)


@pytest.mark.parametrize("side", ["handmade", "torch_ref"])
def test_each_side_alone_draws_a_line(
    side: str, open_side: Callable[[str], None], page: Any, eventually: Callable
):
    open_side(side)
    assert side in rows(page, 1)[0]
    assert eventually(lambda: colored_pixels(page) > 100)


def test_without_either_side_no_line_is_drawn(
    open_side: Callable[[str], None], page: Any
):
    open_side("compare")
    playwright.expect(page.locator("runs-data-table")).to_contain_text("compare")
    assert rows(page, 0) == []
    assert colored_pixels(page) == 0


def test_nothing_is_asked_of_another_machine(page: Any, link: str, asked: list[str]):
    page.goto(link)
    rows(page, 2)
    addresses = [urlsplit(url) for url in asked]
    hosts = {a.netloc for a in addresses if a.scheme not in ("data", "blob", "about")}
    assert hosts == {urlsplit(link).netloc}
