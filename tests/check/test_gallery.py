"""The mistake in a wrong file is named, right files are accepted; ours are right."""

import importlib
import tomllib
from pathlib import Path

import pytest
from check.conftest import loaded
from check.test_calling_forms import FORMS, SEEN_IN_SEVERAL_PASSES
from check.test_optimizer_forms import OF_OPTIMIZERS
from check.test_subjects import SUBJECTS
from check.test_training_steps import NAMES

import handmade
from compare.check.checker import check
from compare.check.definitions import definitions, own_names
from compare.check.mistakes import HINTS, MISTAKES, bare, hint
from compare.check.process import check_file

HERE = Path(__file__).parent
WRONG = sorted((HERE / "wrong").glob("*.py"))
RIGHT = sorted((HERE / "right").glob("*.py"))
EDITS = [
    (name, diagnosis if ": " in diagnosis else f"mistake: {diagnosis}", edits)
    for name, rows in tomllib.loads((HERE / "edits.toml").read_text("utf-8")).items()
    for diagnosis, edits in rows.items()
]
HANDMADE = Path(handmade.__file__).parent
HELPERS = {"init", "module", "utils", "optimizer", "lr_scheduler"}
"""Files of nn and optim in which there is nothing to check."""
OURS = [
    f"{folder}.{path.stem}"
    for folder in ("nn", "optim")
    for path in sorted((HANDMADE / folder).glob("[!_]*.py"))
    if path.stem not in HELPERS
]
OURS += ["descent", "forward_forward", "perceptron", "search"]


def findings(module):
    found = definitions(own_names(module))
    return [check(each) for each in found if each.kind != "unknown"]


@pytest.mark.parametrize("path", WRONG, ids=lambda p: p.stem)
def test_a_wrong_implementation_is_rejected_and_diagnosed(path):
    module = loaded(path)
    (found,) = findings(module)
    kind, _, name = module.DIAGNOSIS.partition(": ")
    assert found.kind == kind, found.words
    assert found.words.startswith(f"{name}: " if name else ""), found.words
    assert found.hint == hint(name, found.name)


@pytest.mark.parametrize(("file", "diagnosis", "edits"), EDITS)
def test_an_edit_that_makes_a_right_file_wrong_is_named(
    find_one, file, diagnosis, edits
):
    source = (HERE / "right" / f"textbook_{file}.py").read_text("utf-8")
    for edit in edits:
        old, _, new = edit.partition(" -> ")
        assert old in source
        source = source.replace(old, new)
    found, (kind, _, name) = find_one(source), diagnosis.partition(": ")
    assert found.kind == kind, found.words
    assert found.words.startswith((f"{name}: ", f"{name} (")), found.words


@pytest.mark.parametrize("path", RIGHT, ids=lambda p: p.stem)
def test_a_right_variant_is_accepted(path):
    (found,) = findings(loaded(path))
    assert found.kind in ("equal", "rounding"), found.words
    assert found.cases > 0


def test_the_gallery_has_a_file_for_every_mistake():
    diagnoses = [loaded(path).DIAGNOSIS for path in WRONG] + [d for _, d, _ in EDITS]
    names = {name for d in diagnoses for name in bare(d.partition(": ")[2])}
    assert len(WRONG) >= 40
    assert len(RIGHT) >= 20
    names |= {name for each, _ in FORMS.values() for name in each.split("; ")}
    names |= {name for _, _, edits in SUBJECTS.values() for name in edits}
    names |= {row["name"] for row in MISTAKES if "torch" in row}  # see test_mistakes
    names |= OF_OPTIMIZERS
    assert (names | SEEN_IN_SEVERAL_PASSES | NAMES) - {""} == {*HINTS}


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_our_own_files_pass_strictly(name):
    found = findings(importlib.import_module(f"handmade.{name}"))
    assert found
    for finding in found:
        assert finding.kind in ("equal", "rounding"), finding
        assert not finding.not_tested, finding


def test_our_own_files_are_all_there():
    assert len(OURS) == 30


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nn/dropout.py", "optim/sgd.py"])
def test_our_own_files_pass_by_the_door_of_others(name):
    outcome = check_file(HANDMADE / name, [], 60)
    assert outcome.problem == ""
    assert outcome.findings
    assert outcome.exit_status(strict=True) == 0, outcome.findings
