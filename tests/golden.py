"""What a restructuring must not change, frozen in tests/golden/.

    python tests/golden.py            # compare this code with the frozen files
    python tests/golden.py --write    # freeze what this code does

Losses and differences of every step of `run all --fast` in both floating-point types,
verdicts, what `check` says of the gallery, and the solved exercises. Losses depend on
the processor in their last bits: `--bits` asks for equality to the last bit.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import compare

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
DTYPES = ("float64", "float32")
TOLERANCE = {"float64": 1e-6, "float32": 1e-2}
"""Relative, of a loss after at most ten steps, on another processor."""


def lessons(dtype: str) -> tuple[list[dict[str, str]], dict[str, dict[str, str]]]:
    """Every row of curves.csv, and the verdict of every trial."""
    rows, verdicts = [], {}
    with tempfile.TemporaryDirectory() as logdir:
        command = ["run", "all", "--fast", "--dtype", dtype, "--logdir", logdir]
        subprocess.run(
            [sys.executable, "-m", "compare", *command],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for folder in sorted(Path(logdir).glob("*/*")):
            name = folder.parent.name
            with (folder / "curves.csv").open(encoding="utf-8") as file:
                rows += [{"lesson": name} | row for row in csv.DictReader(file)]
            summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
            verdicts[name] = {
                tag: verdict["kind"] for tag, verdict in summary["verdict"].items()
            }
    return rows, verdicts


def gallery() -> dict[str, list[list[str]]]:
    """Label, kind and diagnosis of all that the files of the gallery define."""
    found = {}
    for path in sorted((HERE / "check").glob("*/*.py")):
        spec = spec_from_file_location(f"gallery_{path.stem}", path)
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        own = [
            value
            for value in vars(module).values()
            if getattr(value, "__module__", "") == spec.name and callable(value)
        ]
        said = compare.check(*own).findings
        found[path.stem] = [
            [f["label"], f["kind"], f["words"].partition(":")[0]]
            if f["kind"] not in ("equal", "rounding")
            else [f["label"], f["kind"], ""]
            for f in said
        ]
    return found


def exercises() -> list[list[str]]:
    """Every solved exercise: its three answers and whether they agree."""
    table = compare.exercises()
    columns = [list(map(str, column.cells)) for column in table.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def frozen() -> dict[str, object]:
    """All that is frozen, by file."""
    files: dict[str, object] = {}
    verdicts = {}
    for dtype in DTYPES:
        files[f"curves_{dtype}.csv"], verdicts[dtype] = lessons(dtype)
    files["verdicts.json"] = verdicts
    files["check.json"] = gallery()
    files["exercises.json"] = exercises()
    return files


def write(name: str, content: object) -> None:
    """Freeze one file."""
    with (GOLDEN / name).open("w", newline="", encoding="utf-8") as file:
        if name.endswith(".csv"):
            writer = csv.DictWriter(file, list(content[0]))
            writer.writeheader()
            writer.writerows(content)
        else:
            json.dump(content, file, indent=1, ensure_ascii=False)
            file.write("\n")


def read(name: str) -> object:
    """One frozen file."""
    with (GOLDEN / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file)) if name.endswith(".csv") else json.load(file)


def differences(name: str, got: object, want: object, bits: bool) -> list[str]:
    """What is not as it was, a line each."""
    if name.endswith(".csv"):
        return _rows(got, want, 0.0 if bits else TOLERANCE[Path(name).stem[7:]])
    return list(_tree(got, want, name))


KEY = ("lesson", "learner", "seed", "step")


def _rows(got: list, want: list, tolerance: float) -> list[str]:
    ours = {tuple(row[k] for k in KEY): row for row in got}
    theirs = {tuple(row[k] for k in KEY): row for row in want}
    lines = [f"{key}: only on one side" for key in ours.keys() ^ theirs.keys()]
    columns = [c for c in want[0] if c not in KEY]
    if tolerance:
        columns = ["handmade", "torch_ref"]
    for key in ours.keys() & theirs.keys():
        for column in columns:
            a, b = ours[key].get(column), theirs[key][column]
            # A step that was not checked in isolation then may be checked now.
            if a == b or (column == "one_step_diff" and "" in (a, b)):
                continue
            near = tolerance and abs(float(a) - float(b)) <= tolerance * abs(float(b))
            if not near:
                lines.append(f"{key} {column}: {a}, was {b}")
    return sorted(lines)


def _tree(got: object, want: object, place: str) -> list[str]:
    if isinstance(got, dict) and isinstance(want, dict):
        found = []
        for key in sorted(got.keys() | want.keys()):
            found += _tree(got.get(key), want.get(key), f"{place} {key}")
        return found
    return [] if got == want else [f"{place}: {got}, was {want}"]


def main() -> int:
    """0 if nothing differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--bits", action="store_true")
    asked = parser.parse_args()
    lines = []
    for name, content in frozen().items():
        if asked.write:
            write(name, content)
        else:
            lines += differences(name, content, read(name), asked.bits)
    print("\n".join(lines) or "as frozen")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
