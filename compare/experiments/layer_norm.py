"""Subtract the mean and divide by the deviation of each example, in every layer."""

from typing import Any

from compare.experiments.common.deep_nets import WIDTH, lesson


def block(nn: Any) -> list[Any]:
    """Normalised over the features of one example."""
    return [nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH), nn.Tanh()]


EXPERIMENT = lesson(
    "layer_norm",
    block,
    0.8,
    title="Layer normalisation: ten layers learn after all",
    story="As batch normalisation, but over the features of one example: it needs no "
    "batch and does the same in training and evaluation.",
)
