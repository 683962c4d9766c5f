"""The profile names what really takes the time of a step."""

import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from compare.bench import How
from compare.bench.profile import MOST, profiled, profiles, table
from compare.bench.workloads import WORKS
from compare.cli import app


def heavy():
    return np.linalg.svd(np.ones((40, 40)))


def light():
    return sum(range(10))


def test_what_takes_most_stands_first_and_all_shares_make_one():
    found = profiled(WORKS["or"], lambda: (light(), heavy()), seconds=0.05)
    assert "svd" in next(iter(found.shares))
    assert sum(found.shares.values()) == pytest.approx(1)
    assert list(found.shares.values()) == sorted(found.shares.values(), reverse=True)


def test_calls_are_counted_for_one_step():
    found = profiled(WORKS["or"], lambda: [light() for _ in range(7)], seconds=0.01)
    # The step, its list, and light and its sum, seven times each.
    assert found.calls == pytest.approx(2 + 7 * 2)


def test_the_matrix_products_of_a_large_net_are_where_its_time_goes():
    (found,) = profiles(["784-512-256"], How(rounds=1))
    linear = [share for name, share in found.shares.items() if "nn/linear.py" in name]
    assert sum(linear) > 0.4
    assert table(found).row_count == MOST + 1


def test_the_page_has_every_work_and_shares_that_make_a_hundred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr("compare.bench.profile.TURNS", 1)
    done = CliRunner().invoke(app, ["bench", "--profile", "--write"])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "docs" / "benchmarks-profile.md").read_text(encoding="utf-8")
    _, *parts = text.split("\n## ")
    assert [part.partition(":")[0] for part in parts] == [*WORKS]
    for part in parts:
        shares = [int(share) for share in re.findall(r"(\d+)% \|", part)]
        assert sum(shares) == pytest.approx(100, abs=MOST)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--scaling"], "neither --scaling nor cuda"),
        (["or_gat"], "there is no work 'or_gat'"),
    ],
)
def test_a_profile_of_something_else_is_refused(words: list[str], said: str):
    done = CliRunner().invoke(app, ["bench", "--profile", *words])
    assert done.exit_code == 2
    assert said in done.output
