"""What stands around the training of a net: schedules, initial weights, clipping."""

from compare.show.programs.program import Program, program
from compare.testing.draws import normal

SCHEDULE = """\
optimizer = optim.SGD([nn.Parameter(x)], lr=0.1)
scheduler = optim.lr_scheduler.{call}
rates = []
for loss in [3.0, 2.0, 2.0, 2.0, 1.0, 1.0]:
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step({argument})"""
FILLED = """\
parameter = nn.Parameter(x)
nn.init.{call}
filled = parameter.data"""


_SCHEDULES = {
    "StepLR": "StepLR(optimizer, step_size=2, gamma=0.5)",
    "MultiStepLR": "MultiStepLR(optimizer, milestones=[1, 4], gamma=0.5)",
    "ExponentialLR": "ExponentialLR(optimizer, gamma=0.9)",
    "LinearLR": "LinearLR(optimizer, total_iters=4)",
    "CosineAnnealingLR": "CosineAnnealingLR(optimizer, T_max=5)",
    "ReduceLROnPlateau": "ReduceLROnPlateau(optimizer, factor=0.5, patience=1)",
    "OneCycleLR": "OneCycleLR(optimizer, 0.5, total_steps=8, cycle_momentum=False)",
}
_FILLS = {
    "constant_": "constant_(parameter, 0.3)",
    "eye_": "eye_(parameter)",
    "ones_": "ones_(parameter)",
    "zeros_": "zeros_(parameter)",
}


TRAINING: dict[str, Program] = {
    "manual_seed": program(
        "manual_seed(3)\ny = nn.Dropout(0.5)(x)\n"
        "manual_seed(3)\nagain = nn.Dropout(0.5)(x)",
        x=normal(2, 4),
    ),
    **{
        f"optim.lr_scheduler.{name}": program(
            SCHEDULE.format(call=call, argument="loss" if "Plateau" in name else ""),
            x=normal(2),
        )
        for name, call in _SCHEDULES.items()
    },
    **{
        f"nn.init.{name}": program(FILLED.format(call=call), x=normal(2, 3))
        for name, call in _FILLS.items()
    },
    "nn.init.calculate_gain": program(
        'relu = nn.init.calculate_gain("relu")\n'
        'tanh = nn.init.calculate_gain("tanh")\n'
        'leaky_relu = nn.init.calculate_gain("leaky_relu", 0.2)'
    ),
    "nn.utils.clip_grad_norm_": program(
        "parameter = nn.Parameter(x)\nparameter.grad = g\n"
        "norm = nn.utils.clip_grad_norm_([parameter], max_norm=1.0)\n"
        "clipped = parameter.grad",
        x=normal(4),
        g=normal(4, scale=3),
    ),
    "nn.utils.clip_grad_value_": program(
        "parameter = nn.Parameter(x)\nparameter.grad = g\n"
        "nn.utils.clip_grad_value_([parameter], clip_value=1.0)\n"
        "clipped = parameter.grad",
        x=normal(4),
        g=normal(4, scale=3),
    ),
}
