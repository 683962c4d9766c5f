"""torch.optim by name; where torch rounds more than its arrays ask for, not so here."""

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
    """torch's, with the product of all μ in the parameter's dtype.

    torch starts it in float32, even for float64 parameters, and turns it into the
    parameter's dtype once a state is loaded; here it has that dtype from the start.
    """

    def step(self, closure: Any = None) -> Any:
        """The same, from a state that holds no float32."""
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
        """The same; a number in a loaded state, too, takes the parameter's dtype."""
        for p, own in state["state"].items():
            own["mu_product"] = torch.as_tensor(own["mu_product"], dtype=p.dtype)
        super().__setstate__(state)


class _InFull(TorchFunctionMode):
    """Leaves out the rounding to bfloat16."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """What `func` answers; of a cast to bfloat16 only the copy is left."""
        if func is torch.Tensor.bfloat16:
            return args[0].clone()
        return func(*args, **(kwargs or {}))


_TorchsMuon: Any = getattr(torch.optim, "Muon", Optimizer)


class Muon(_TorchsMuon):
    """torch's, its Newton–Schulz iteration in the parameter's dtype.

    torch rounds what it iterates to bfloat16, which NumPy has not; each line of its
    rule runs here, but that one does not round.

    Raises:
        NotImplementedError: this torch has no Muon; it came with 2.9.
    """

    if not hasattr(torch.optim, "Muon"):

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            raise NotImplementedError(
                f"Muon needs torch 2.9 or later, this is {torch.__version__}"
            )

    def step(self, closure: Any = None) -> Any:
        """The same, without its rounding."""
        with _InFull():
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
