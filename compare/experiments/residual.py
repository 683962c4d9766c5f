"""A way past every layer: y = x + f(x)."""

from compare.experiments.common import normed as _normed

EXPERIMENT = _normed.lesson(
    "residual",
    lambda nn: [nn.Residual(*_normed.plain(nn))],
    0.85,
    title="Residual connections: ten layers learn after all",
    course=("F4",),
    story="The derivative of x + f(x) is 1 + f′(x): however small f′ is, the gradient "
    "passes. The layers only have to learn what to change.",
)
