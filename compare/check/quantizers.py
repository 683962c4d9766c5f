"""What a quantised layer answers when one thing in it is done wrongly."""

from collections.abc import Callable, Iterator

import numpy as np

from compare.testing.reference import Question, Results

Used = Callable[[np.ndarray, "int | str"], np.ndarray]
"""From weights and bits to the weights that are used."""


def scaled(weight: np.ndarray, bits: int | str) -> tuple[np.ndarray, np.ndarray, int]:
    """The weights against the scale, the scale, and the largest whole number."""
    most = 1 if isinstance(bits, str) else 2 ** (bits - 1) - 1
    size = np.abs(weight)
    scale = size.mean() if isinstance(bits, str) else size.max() / most
    return weight / scale, scale, most


def _steps(weight: np.ndarray, bits: int | str) -> tuple[np.ndarray, np.ndarray]:
    w, scale, most = scaled(weight, bits)
    if bits == "binary":
        return np.where(w >= 0, 1.0, -1.0), scale
    return np.clip(np.round(w), -most, most), scale


def _not_scaled(weight: np.ndarray, bits: int | str) -> np.ndarray:
    return _steps(weight, bits)[0]


def _towards_zero(weight: np.ndarray, bits: int | str) -> np.ndarray:
    w, scale, most = scaled(weight, bits)
    if bits == "binary":
        return _used(weight, bits)
    return np.clip(np.trunc(w), -most, most) * scale


def _not_clipped(weight: np.ndarray, bits: int | str) -> np.ndarray:
    w, scale, _ = scaled(weight, bits)
    return _used(weight, bits) if bits == "binary" else np.round(w) * scale


def _signed(weight: np.ndarray, bits: int | str) -> np.ndarray:
    if isinstance(bits, str):
        return _used(weight, bits)
    most = 2 ** (bits - 1) - 1
    scale = weight.max() / most
    return np.clip(np.round(weight / scale), -most, most) * scale


def _used(weight: np.ndarray, bits: int | str) -> np.ndarray:
    steps, scale = _steps(weight, bits)
    return steps * scale


MISTAKES: dict[str, Used] = {
    "scale not applied": _not_scaled,
    "rounded towards zero": _towards_zero,
    "signed maximum": _signed,
    "weights not clipped": _not_clipped,
}


def mistaken(
    question: Question, upstream: np.ndarray | None
) -> Iterator[tuple[str, Results]]:
    """Each mistake by its name, and what comes of it."""
    if question.name != "QuantizedLinear" or upstream is None:
        return
    weight, bits = question.state["weight"], question.kwargs["bits"]
    x, bias = question.inputs[0], question.state.get("bias", 0.0)
    for name, used in MISTAKES.items():
        wrong = used(weight, bits)
        yield (
            name,
            {"output": x @ wrong.T + bias, "input gradient": upstream @ wrong},
        )
    yield "weights before rounding", {"input gradient": upstream @ weight}
    yield "slope of round", {"gradient weight": np.zeros_like(weight)}
    rows = upstream.reshape(-1, len(weight)).T @ x.reshape(-1, weight.shape[1])
    w, scale, most = scaled(weight, bits)
    yield "gradient clipped", {"gradient weight": rows * (np.abs(w) <= most)}
    yield "scale in the gradient", {"gradient weight": rows * scale}
    yield "scale in the gradient", {"gradient weight": rows / scale}
