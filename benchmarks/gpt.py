"""Measures a step of the GPT of names_gpt, in its own size and in a larger one.

python -m benchmarks.gpt [--device cuda] [--dtype float64] [--rounds 15]

In float32 rounding may decide a ReLU's kink: then nothing is timed.
"""

from dataclasses import dataclass

import numpy as np
import typer
from rich.console import Console

import handmade
import torch_ref
from compare.bench import IMPLEMENTATIONS, Options
from compare.bench.measure import measure, table
from compare.bench.workloads import Weights, Workload
from compare.experiments import names_gpt

BATCH = names_gpt.BATCH
GPTS = {library.nn: library.gpt for library in (handmade, torch_ref)}
MEASURED = ("numpy", "torch", "compile", "jax", "graph", "torch_ref", "torch.compile")
"""Those of a device's implementations that take any learner."""


@dataclass(frozen=True)
class Names(Workload):
    """A GPT and a batch of first names."""

    def batch(self) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and the ones that follow them, the same in every call."""
        data = names_gpt.draw(np.random.default_rng(0))
        return data.x[:BATCH], data.target[:BATCH]

    def weights(self, dtype: str) -> Weights:
        """The initial state, the same in every call; a tied weight has two names."""
        handmade.manual_seed(0)
        state = self.learner(handmade).model.state_dict()
        return {name: array.astype(dtype) for name, array in state.items()}


def names(n_embd: int, n_layer: int) -> Names:
    """So many blocks of four heads, so wide."""
    sizes = {"n_embd": n_embd, "n_head": 4, "n_layer": n_layer}
    title = f"{n_layer} × {n_embd}"
    vocab_size = len(names_gpt.TOKENS)
    return Names(
        title,
        f"GPT, layers × width {title}, batch {BATCH}",
        lambda nn: GPTS[nn].GPT(vocab_size, block_size=16, **sizes),
        shape=(BATCH, names_gpt.LENGTH),
        classes=vocab_size,
        layers=(),
    )


def main(
    device: str = "cpu", threads: int = 1, dtype: str = "float64", rounds: int = 15
) -> None:
    """Measure both sizes and print a table of each."""
    options = Options(threads, dtype, rounds=rounds, device=device)
    chosen = {
        name: implementation
        for name, implementation in IMPLEMENTATIONS[device].items()
        if name in MEASURED
    }
    for workload in (names(n_embd=16, n_layer=1), names(n_embd=64, n_layer=4)):
        Console().print(table(measure(workload, options, chosen), chosen))


if __name__ == "__main__":
    typer.run(main)
