"""The cost model gives what is known of its limits, and finds what it is fitted to."""

import pytest

from benchmarks.cost_model import (
    Link,
    Pace,
    fitted,
    flops_of,
    in_nodes,
    parameters_of,
    ring,
)
from handmade import nn

LINK = Link(1e9, 1e-5)
SLOW = Link(1e8, 1e-4)


def test_flops_are_three_matrix_products_a_layer():
    assert flops_of((5, 7), 3) == 3 * (2 * 3 * 5 * 7)
    assert flops_of((5, 7, 2), 3) == flops_of((5, 7), 3) + flops_of((7, 2), 3)


def test_parameters_are_those_of_the_layers():
    model = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    assert parameters_of((5, 7, 2)) == sum(p.data.size for p in model.parameters())


def test_one_rank_sends_nothing():
    assert ring(1e6, 1, LINK) == 0


def test_two_ranks_send_half_of_the_bytes_twice():
    assert ring(1e6, 2, LINK) == pytest.approx(1e-3 + 2e-5)


def test_a_ring_sends_at_most_twice_the_bytes_however_many_ranks_there_are():
    free = Link(1e9, 0.0)
    times = [ring(1e6, ranks, free) for ranks in (2, 8, 64, 10**6)]
    assert times == sorted(times)
    assert times[-1] == pytest.approx(2e-3, rel=1e-5)


def test_nodes_cost_nothing_more_within_one_of_them():
    assert in_nodes(1e6, 8, 8, LINK, SLOW) == ring(1e6, 8, LINK)


def test_two_nodes_add_the_exchange_of_one_part_between_them():
    inner = ring(1e6, 8, LINK)
    outer = 1e6 / 8 / 1e8 + 2e-4
    assert in_nodes(1e6, 16, 8, LINK, SLOW) == pytest.approx(inner + outer)


def test_doubling_the_nodes_adds_two_messages():
    few, many = (in_nodes(0.0, ranks, 8, LINK, SLOW) for ranks in (64, 128))
    assert many - few == pytest.approx(2 * SLOW.latency)


def test_a_pace_adds_its_overhead():
    assert Pace(1e9, 1e-3).seconds(1e6) == pytest.approx(2e-3)


def test_a_fit_finds_the_line_through_exact_points():
    amounts = [1.0, 10.0, 1e3, 1e6]
    found = fitted(amounts, [2e-3 + 5e-7 * n for n in amounts])
    assert found == pytest.approx((2e-3, 5e-7))


def test_a_fit_gives_no_negative_cost():
    assert fitted([1.0, 2.0, 3.0], [1.0, 4.0, 9.0])[0] == 0
    assert fitted([1.0, 2.0, 3.0], [3.0, 2.0, 1.0])[1] == 0
