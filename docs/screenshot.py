"""Takes a screenshot of a lesson in TensorBoard, opened by the link of its run.

python docs/screenshot.py OUT.png [LESSON]
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import HTTPError

from playwright.sync_api import expect, sync_playwright

from compare import registry
from compare.logger import link
from compare.tensorboard import RUNS, Server
from compare.trainer import RunConfig, run

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
SIZE = {"width": 1400, "height": 900}


def wait_until_loaded(server: Server, seconds: float = 30) -> None:
    """Wait until the server has read both implementations; before, it answers 404."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if len(json.loads(server.get("/data/plugin/scalars/tags"))) == len(RUNS):
                return
        except HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError(f"TensorBoard loaded nothing in {seconds} s")


def screenshot(address: str, out: str) -> None:
    """Open the address in headless Chromium and save what it shows."""
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS
        )
        page = browser.new_page(viewport=SIZE)
        page.goto(address, wait_until="networkidle")
        page.get_by_label("Close side pane").click()
        chart = page.locator("metrics-pinned-view scalar-card").first
        expect(chart.locator("tb-data-table-content-row")).to_have_count(2)
        expect(page.locator("metrics-pinned-view image-card img")).to_be_visible()
        page.wait_for_timeout(1000)  # until the animation of the lines ends
        page.screenshot(path=out)
        browser.close()


def main(out: str, lesson: str = "digits_softmax") -> None:
    """Run the lesson, serve it and take the screenshot."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(*registry.load(lesson), RunConfig(logdir=Path(folder)))
        with Server(Path(folder)) as server:
            wait_until_loaded(server)
            screenshot(link(server.url, result.folder), out)


if __name__ == "__main__":
    main(*sys.argv[1:])
