"""torch.optim, with NAdam and Muon computed in the dtype of the parameter."""

from typing import Any

import torch
from torch.optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    Rprop,
)
from torch.overrides import TorchFunctionMode

from torch_ref import _lr_scheduler

lr_scheduler = _lr_scheduler


class NAdam(torch.optim.NAdam):
    """torch's NAdam, with the product of all μ in the parameter's dtype.

    torch keeps this product in float32, even for float64 parameters, until a state is
    loaded; here it has the parameter's dtype from the start.
    """

    def step(self, closure: Any = None) -> Any:
        """Update as torch does, from a state in the parameter's dtype."""
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None and not self.state[p]:
                    self.state[p] = {
                        "step": torch.tensor(0.0),
                        "mu_product": torch.ones((), dtype=p.dtype),
                        "exp_avg": torch.zeros_like(p),
                        "exp_avg_sq": torch.zeros_like(p),
                    }
        return super().step(closure)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load as torch does, the product in the parameter's dtype."""
        for p, own in state["state"].items():
            own["mu_product"] = torch.as_tensor(own["mu_product"], dtype=p.dtype)
        super().__setstate__(state)


class _WithoutBfloat16(TorchFunctionMode):
    """Replaces Tensor.bfloat16() by a copy in the same dtype."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Call `func`; copy where it is the cast to bfloat16."""
        if func is torch.Tensor.bfloat16:
            return args[0].clone()
        return func(*args, **(kwargs or {}))


_TorchMuon: Any = getattr(torch.optim, "Muon", Optimizer)


class Muon(_TorchMuon):
    """torch's Muon, with the Newton–Schulz iteration in the parameter's dtype.

    torch iterates in bfloat16, a dtype that NumPy lacks. Here torch's own code runs
    with the cast to bfloat16 left out.

    Raises:
        NotImplementedError: torch is older than 2.9, the first with Muon.
    """

    if not hasattr(torch.optim, "Muon"):

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise NotImplementedError(
                f"Muon needs torch 2.9 or later, this is {torch.__version__}"
            )

    def step(self, closure: Any = None) -> Any:
        """Update as torch does, without the cast to bfloat16."""
        with _WithoutBfloat16():
            return super().step(closure)


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Muon",
    "NAdam",
    "Optimizer",
    "RMSprop",
    "Rprop",
]
