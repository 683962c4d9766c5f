"""A few lines for each public name that is no layer, loss or optimiser.

The same lines are run on both sides, and all that they give a name to is compared.
"""

from compare.show.programs.autodiff import AUTODIFF
from compare.show.programs.functions import FUNCTIONS
from compare.show.programs.learners import LEARNERS
from compare.show.programs.training import TRAINING

PROGRAMS = {**AUTODIFF, **FUNCTIONS, **TRAINING}
_AT_RANDOM = "it draws, each library from its own generator: only the law is the same"
_NO_NUMBERS = "it is what others derive from, and computes no numbers itself"
_HOLDS = "it only holds numbers: nothing is computed"
NO_EXAMPLE = {
    **{
        f"nn.init.{name}": _AT_RANDOM
        for name in (
            *("kaiming_normal_", "kaiming_uniform_", "normal_", "orthogonal_"),
            *("trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_"),
        )
    },
    "distributed.Communicator": _NO_NUMBERS,
    **dict.fromkeys(
        ("distributed.DataParallelLearner", "distributed.averaged", "distributed.part"),
        "it takes several processes, see docs/scaling.md",
    ),
    "nn.Module": _NO_NUMBERS,
    "optim.Optimizer": _NO_NUMBERS,
    "optim.lr_scheduler.LRScheduler": _NO_NUMBERS,
    "surfaces.Surface": _NO_NUMBERS,
    "training.Learner": _NO_NUMBERS,
    "descent.Trace": _HOLDS,
    "nn.Parameter": _HOLDS,
    "semi_supervised.UNLABELLED": _HOLDS,
}
"""Why some names have no live example."""

__all__ = ["LEARNERS", "NO_EXAMPLE", "PROGRAMS"]
