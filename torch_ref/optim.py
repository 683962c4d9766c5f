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
    """torch's, with the product of all μ in float32 for good.

    torch starts it in float32, but turns it into the parameter's dtype when a state is
    loaded: a resumed run would then differ from one that was never interrupted.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Torch's own, then back to float32."""
        super().load_state_dict(state_dict)
        for state in self.state.values():
            state["mu_product"] = state["mu_product"].to(torch.float32)


class _InFull(TorchFunctionMode):
    """Leaves out the rounding to bfloat16."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """What `func` answers; a copy in the dtype as it is, where bfloat16 is asked."""
        if func is torch.Tensor.bfloat16:
            return args[0].clone()
        return func(*args, **(kwargs or {}))


class Muon(getattr(torch.optim, "Muon", Optimizer)):
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
        """Torch's own, without its rounding."""
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
