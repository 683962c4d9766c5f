"""Random garbage is refused in the library's own words, and harms nothing.

The first 20,000 of the calls of `make fuzz`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_20_000_calls_with_garbage_break_no_law():
    script = str(Path(__file__).parents[1] / "garbage.py")
    command = [sys.executable, script, "--examples", "20000"]
    paths = os.pathsep.join([str(Path(script).parent), *sys.path])
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": paths}
    )
    assert done.returncode == 0, done.stderr[:5000]
    answered = re.search(
        r"([\d,]+) agrees, ([\d,]+) answered, ([\d,]+) refused", done.stdout
    )
    assert answered
    assert all(int(n.replace(",", "")) > 100 for n in answered.groups())
