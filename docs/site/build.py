"""Builds the site in English and, below de/, in German: `make site`.

Lessons that have no finished run yet are run first, so that each page has its figure.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))


def main() -> int:
    """Run what was never run, then build; 0 if there was no warning."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=ROOT / "runs")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--as-is", action="store_true", help="run no lesson")
    given = parser.parse_args()
    if not given.as_is and (missing := _never_run(given.runs)):
        _python("-m", "compare", "run", *missing, "--logdir", str(given.runs))
    os.environ["HANDMADE_RUNS"] = str(given.runs.resolve())
    failed = 0
    for language, out in (("en", given.out), ("de", given.out / "de")):
        options = ("-q", "-W", "--keep-going", "-D", f"language={language}")
        kept = str(given.out.parent / f"{given.out.name}-doctrees" / language)
        failed |= _python("-m", "sphinx", *options, "-d", kept, str(HERE), str(out))
    print(f"open {given.out / 'index.html'}")
    return failed


def _never_run(runs: Path) -> list[str]:
    from pages.lessons import newest

    from compare import registry

    return [name for name in registry.names() if newest(name, runs) is None]


def _python(*arguments: str) -> int:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
