"""Every optimiser."""

from compare.testing.case import Case, case

_ADAM = [
    case("Adam"),
    case("Adam", lr=0.1),
    case("Adam", lr=0.1, betas=(0.5, 0.9)),
    case("Adam", lr=0.1, betas=(0.0, 0.0)),
    case("Adam", lr=0.1, eps=0.1),
    case("Adam", lr=0.1, weight_decay=0.2),
    case("Adam", lr=0.1, amsgrad=True, betas=(0.8, 0.5)),
    case("Adam", lr=0.1, maximize=True),
    case("Adam", lr=0.1, weight_decay=0.2, decoupled_weight_decay=True),
    case("Adam", lr=0.1, weight_decay=0.2, amsgrad=True, maximize=True, eps=0.01),
    case("AdamW"),
    case("AdamW", lr=0.1),
    case("AdamW", lr=0.1, betas=(0.5, 0.9), eps=0.1),
    case("AdamW", lr=0.1, weight_decay=0.2),
    case("AdamW", lr=0.1, weight_decay=0.0),
    case("AdamW", lr=0.1, maximize=True, weight_decay=0.2),
    case("AdamW", lr=0.1, amsgrad=True, betas=(0.8, 0.5), weight_decay=0.2),
]
_RMSPROP = [
    case("RMSprop"),
    case("RMSprop", lr=0.1),
    case("RMSprop", lr=0.1, alpha=0.6),
    case("RMSprop", lr=0.1, eps=0.1),
    case("RMSprop", lr=0.1, weight_decay=0.2),
    case("RMSprop", lr=0.1, momentum=0.9),
    case("RMSprop", lr=0.1, centered=True),
    case("RMSprop", lr=0.1, maximize=True),
    case(
        "RMSprop",
        lr=0.1,
        alpha=0.8,
        eps=0.01,
        momentum=0.5,
        centered=True,
        weight_decay=0.2,
        maximize=True,
    ),
]
_ADAGRAD = [
    case("Adagrad"),
    case("Adagrad", lr=0.1),
    case("Adagrad", lr=0.1, lr_decay=0.3),
    case("Adagrad", lr=0.1, weight_decay=0.2),
    case("Adagrad", lr=0.1, initial_accumulator_value=0.5),
    case("Adagrad", lr=0.1, eps=0.1),
    case("Adagrad", lr=0.1, maximize=True),
    case(
        "Adagrad",
        lr=0.1,
        lr_decay=0.3,
        weight_decay=0.2,
        initial_accumulator_value=0.5,
        eps=0.01,
        maximize=True,
    ),
]
_ADADELTA = [
    case("Adadelta"),
    case("Adadelta", lr=0.1),
    case("Adadelta", rho=0.6),
    case("Adadelta", eps=0.1),
    case("Adadelta", weight_decay=0.2),
    case("Adadelta", maximize=True),
    case("Adadelta", lr=0.5, rho=0.7, eps=0.01, weight_decay=0.2, maximize=True),
]
_RPROP = [
    case("Rprop"),
    case("Rprop", lr=0.1),
    case("Rprop", lr=0.1, etas=(0.7, 1.5)),
    case("Rprop", lr=0.1, step_sizes=(0.08, 0.12)),
    case("Rprop", lr=0.1, maximize=True),
    case("Rprop", lr=0.1, etas=(0.4, 2.0), step_sizes=(0.01, 0.2), maximize=True),
]
_NADAM = [
    case("NAdam"),
    case("NAdam", lr=0.1),
    case("NAdam", lr=0.1, betas=(0.5, 0.9)),
    case("NAdam", lr=0.1, eps=0.1),
    case("NAdam", lr=0.1, weight_decay=0.2),
    case("NAdam", lr=0.1, momentum_decay=0.5),
    case("NAdam", lr=0.1, maximize=True),
    case("NAdam", lr=0.1, weight_decay=0.2, decoupled_weight_decay=True),
    case(
        "NAdam", lr=0.1, weight_decay=0.2, momentum_decay=0.5, eps=0.01, maximize=True
    ),
]
_MUON = [
    Case("Muon", kwargs=kwargs, shapes=((3, 2), (2, 4), (1, 3)))
    for kwargs in (
        {},
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.0},
        {"lr": 0.1, "momentum": 0.5},
        {"lr": 0.1, "nesterov": False},
        {"lr": 0.1, "ns_coefficients": (2.0, -1.5, 0.5)},
        {"lr": 0.1, "ns_steps": 2, "eps": 0.5},
        {"lr": 0.1, "adjust_lr_fn": "original"},
        {"lr": 0.1, "adjust_lr_fn": "match_rms_adamw", "momentum": 0.0},
    )
]
OPTIMIZERS = [
    case("SGD"),
    case("SGD", lr=0.1),
    case("SGD", lr=0.1, momentum=0.9),
    case("SGD", lr=0.1, momentum=0.9, dampening=0.3),
    case("SGD", lr=0.1, momentum=0.9, nesterov=True),
    case("SGD", lr=0.1, weight_decay=0.2),
    case("SGD", lr=0.1, weight_decay=0.2, maximize=True),
    case("SGD", lr=0.1, weight_decay=0.2, momentum=0.9),
    case("SGD", lr=0.1, momentum=0.9, maximize=True),
    case("SGD", lr=0.1, momentum=0.8, weight_decay=0.2, dampening=0.1),
    case("SGD", lr=0.1, momentum=0.8, weight_decay=0.2, nesterov=True, maximize=True),
    case("SGD", lr=0.1, maximize=True),
    *_ADAM,
    *_RMSPROP,
    *_ADAGRAD,
    *_ADADELTA,
    *_RPROP,
    *_NADAM,
    *_MUON,
]
