"""Optimizers with torch.optim's names, defaults and state.

Each writes one pure function: parameter, gradient and state in, new parameter out.
"""

from handmade.optim import lr_scheduler as lr_scheduler
from handmade.optim.adadelta import Adadelta
from handmade.optim.adagrad import Adagrad
from handmade.optim.adam import Adam
from handmade.optim.adamw import AdamW
from handmade.optim.muon import Muon
from handmade.optim.nadam import NAdam
from handmade.optim.optimizer import Optimizer
from handmade.optim.rmsprop import RMSprop
from handmade.optim.rprop import Rprop
from handmade.optim.sgd import SGD

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
