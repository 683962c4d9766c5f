"""Predicts the time of a data-parallel step from compute, bytes and latency."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Link:
    """A connection from each rank to the next.

    Args:
        bandwidth: bytes a second, in each direction.
        latency: seconds that a message takes however short it is.
    """

    bandwidth: float
    latency: float

    def seconds(self, size: float, messages: float) -> float:
        """Size / bandwidth + messages · latency: `size` bytes in so many messages."""
        return size / self.bandwidth + messages * self.latency


@dataclass(frozen=True)
class Pace:
    """What computes.

    Args:
        rate: FLOP a second.
        overhead: seconds that a step takes however little it computes.
    """

    rate: float
    overhead: float = 0.0

    def seconds(self, flops: float) -> float:
        """Overhead + FLOPs / rate."""
        return self.overhead + flops / self.rate


def flops_of(sizes: tuple[int, ...], examples: int) -> int:
    """2 · 3 · N · Σ in · out: three products a layer, each a multiplication and a sum.

    Args:
        sizes: of the layers, the input's first.
        examples: N.
    """
    return 6 * examples * sum(a * b for a, b in pairwise(sizes))


def parameters_of(sizes: tuple[int, ...]) -> int:
    """Σ (in + 1) · out: weights and biases."""
    return sum((a + 1) * b for a, b in pairwise(sizes))


def ring(size: float, ranks: int, link: Link) -> float:
    """Seconds of an all-reduce in a ring: 2 (p − 1)/p · bytes, in 2 (p − 1) messages.

    Each rank sends each of the p parts but one, first to be added, then as a sum.

    Source:
        Patarasuk and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of
        workstations", 2009: no all-reduce sends less.
    """
    return link.seconds(2 * (ranks - 1) / ranks * size, 2 * (ranks - 1))


def in_nodes(size: float, ranks: int, node: int, inner: Link, outer: Link) -> float:
    """Seconds of an all-reduce over nodes whose ranks are linked more closely.

    Within each node every rank gets the sum of one part, as in the first half of a
    ring; the ranks that hold the same part add up over the nodes, in a tree of log₂
    levels up and down, all at the same time; then every rank collects all parts.

    Args:
        size: bytes.
        ranks: p, up to `node`, or a multiple of it.
        node: ranks in a node.
        inner: from rank to rank within a node.
        outer: from rank to rank between nodes.
    """
    if ranks <= node:
        return ring(size, ranks, inner)
    nodes = ranks // node
    across = 2 * (nodes - 1) / nodes * size / node
    return ring(size, node, inner) + outer.seconds(across, 2 * math.log2(nodes))


def fitted(amounts: list[float], seconds: list[float]) -> tuple[float, float]:
    """The a and b of seconds = a + b · amount whose relative errors are smallest.

    Neither is negative.
    """
    x, y = np.array(amounts, float), np.array(seconds, float)
    rows = np.stack([1 / y, x / y], axis=1)
    start, slope = np.linalg.lstsq(rows, np.ones(len(y)), rcond=None)[0]
    if start < 0:
        return 0.0, float(np.sum(x / y) / np.sum((x / y) ** 2))
    if slope < 0:
        return float(np.sum(1 / y) / np.sum((1 / y) ** 2)), 0.0
    return float(start), float(slope)
