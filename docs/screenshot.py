"""Takes a picture of the report of a lesson's run, as a browser shows its top.

python docs/screenshot.py OUT.png [LESSON]
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from compare import registry
from compare.run_config import RunConfig
from compare.trainer import run

BROWSER = [
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
]


def main(out: str, lesson: str = "digits_softmax", size: str = "1100,540") -> None:
    """Run the lesson and save what a window of this size shows of its report."""
    with tempfile.TemporaryDirectory() as folder:
        result = run(*registry.load(lesson), RunConfig(logdir=Path(folder)))
        page = (result.folder / "report.html").as_uri()
        picture = f"--screenshot={Path(out).resolve()}"
        command = [*BROWSER, f"--window-size={size}", picture, page]
        subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
