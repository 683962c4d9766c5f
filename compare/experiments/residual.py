"""A skip connection around every layer: y = x + f(x)."""

from compare.experiments.common import deep_nets

EXPERIMENT = deep_nets.lesson(
    "residual",
    lambda nn: [nn.Residual(*deep_nets.plain(nn))],
    0.85,
    title="Residual connections: ten layers learn after all",
    course=("F4",),
    teaches=("nn.Residual",),
    story="The derivative of x + f(x) is 1 + f′(x): however small f′ is, the gradient "
    "passes. The layers only have to learn what to change.",
)
