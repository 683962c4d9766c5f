"""Subtract the mean and divide by the deviation of the batch, in every layer."""

from compare.experiments.common.deep_nets import WIDTH, lesson

EXPERIMENT = lesson(
    "batch_norm",  # subtracts the mean, so the gradient of a bias would be 0
    lambda nn: [nn.Linear(WIDTH, WIDTH, bias=False), nn.BatchNorm1d(WIDTH), nn.Tanh()],
    0.85,
    title="Batch normalisation: ten layers learn after all",
    course=("F4",),
    teaches=("nn.BatchNorm1d",),
    story="Every layer gets numbers about 0 of size 1, whatever the layers before it "
    "do, so that tanh is where its slope is. The mean and the deviation are part of "
    "the computation: the gradient flows through them, too. In evaluation the running "
    "statistics stand in for those of the batch.",
)
