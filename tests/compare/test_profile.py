"""The profile names what really takes the time of a step."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks import profile
from benchmarks.profile import SHOWN, profiled, table
from compare.bench import Options
from compare.bench.workloads import WORKLOADS, find


def heavy():
    return np.linalg.svd(np.ones((40, 40)))


def light():
    return sum(range(10))


def test_what_takes_most_stands_first_and_all_shares_make_one():
    found = profiled(find("or"), lambda: (light(), heavy()), seconds=0.05)
    assert "svd" in next(iter(found.shares))
    assert sum(found.shares.values()) == pytest.approx(1)
    assert list(found.shares.values()) == sorted(found.shares.values(), reverse=True)


def test_calls_are_counted_for_one_step():
    found = profiled(find("or"), lambda: [light() for _ in range(7)], seconds=0.01)
    # The step, its list, and light and its sum, seven times each.
    assert found.calls == pytest.approx(2 + 7 * 2)


def test_the_matrix_products_of_a_large_net_are_where_its_time_goes():
    found = profile.profile(find("784-512-256"), Options())
    linear = [share for name, share in found.shares.items() if "nn/linear.py" in name]
    assert sum(linear) > 0.4
    assert table(found).row_count == SHOWN + 1


def test_the_page_has_every_workload_and_shares_that_make_a_hundred(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    monkeypatch.setattr(profile, "SECONDS", 0.01)
    profile.main(write=True)
    text = (tmp_path / "docs" / "benchmarks-profile.md").read_text(encoding="utf-8")
    _, *parts = text.split("\n## ")
    assert [part.partition(":")[0] for part in parts] == [*WORKLOADS["cpu"]]
    for part in parts:
        shares = [int(share) for share in re.findall(r"(\d+)% \|", part)]
        assert sum(shares) == pytest.approx(100, abs=SHOWN)
