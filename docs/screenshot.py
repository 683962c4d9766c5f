"""Takes a picture of a lesson in TensorBoard, as the link after a run opens it.

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
from compare.board import Server, deep_link
from compare.run import Settings, run

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def loaded(server: Server, runs: int) -> bool:
    """Whether the server has read so many runs."""
    try:
        return len(json.loads(server.get("/data/plugin/scalars/tags"))) == runs
    except HTTPError:
        return False


def picture(link: str, out: Path) -> None:
    """Open the link in Chromium without a window and save what is to be seen."""
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=FLAGS
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(link, wait_until="networkidle")
        rows = page.locator("metrics-pinned-view tb-data-table-content-row")
        expect(rows).not_to_have_count(0)
        page.wait_for_timeout(3000)
        page.screenshot(path=out)
        browser.close()


def main(out: str, lesson: str = "digits_softmax") -> None:
    """Run the lesson, serve it and take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(*registry.load(lesson), Settings(logdir=Path(folder)))
        with Server(Path(folder)) as server:
            while not loaded(server, 3):
                time.sleep(0.1)
            picture(deep_link(server.url, f"{lesson}/", result.tags[:3]), Path(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
