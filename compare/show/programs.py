"""The live examples of names that are no layer, loss or optimizer.

`PROGRAMS`: a few lines that are run with both libraries; all that they assign to a name
is compared. They stand in programs.txt. `LEARNERS`: learners, which take a few steps.
`NO_EXAMPLE`: why the other names have none.
"""

import re
from pathlib import Path

from compare.testing.draws import classes, coin, landing, normal, positive, unit

DRAWS = {
    name: draw
    for names, draw in (
        ("x tangent grad_output centres", normal(2, 3)),
        ("x_above_0", positive(2, 3)),
        ("x_with_zeros", landing(2, 3, on=(0.0,))),
        ("x_with_ties", landing(2, 3, on=(1.0,))),
        ("w weight", normal(3, 3)),
        ("root grad_transposed", normal(3, 2)),
        ("samples", normal(8, 3)),
        ("number", normal(1)),
        ("point grad_point grad_rows", normal(2)),
        ("bias", normal(3)),
        ("vector weights", normal(4)),
        ("large", normal(4, scale=3)),
        ("grad_logits", normal(2, 3, 4)),
        ("label predicted", classes(8, of=3)),
    )
    for name in names.split()
}
"""How the arrays are drawn that the programs use."""

_TEXT = Path(__file__).with_suffix(".txt").read_text(encoding="utf-8")
PROGRAMS = {
    call.partition("(")[0]: lines.replace("CALL", call)
    for calls, lines in re.findall(r"((?:^# .+\n)+)((?:.+\n)+)", _TEXT, re.MULTILINE)
    for call in re.findall("# (.+)", calls)
}
"""Blocks of lines by name, from below comments with the calls they are examples of.

`CALL` stands for what the comment says. A line that ends in the name of a library is
run with that library alone: `handmade` needs derivatives that torch finds itself.
"""

MLP = "nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))"
ADAM = "lambda parameters: optim.Adam(parameters, lr=0.1)"
AUTOENCODER = (
    "semi_supervised.Autoencoder(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3))"
)
ACCUMULATING = "accumulation.AccumulatingLearner"
MIXED = "amp.MixedPrecisionLearner"
PSEUDO, VAE = "semi_supervised.PseudoLabels", "variational.VariationalAutoencoder"
NUMBERS = (normal(4, 2), normal(4, 1))
CLASSES = (normal(6, 2), classes(6, of=3))
FEW_LABELS = (normal(6, 2), classes(6, of=3, ignored=-1))
LEARNERS = {
    code.partition("(")[0]: (code, batch)
    for code, batch in (
        (f"training.GradientLearner({MLP}, nn.MSELoss(), {ADAM})", NUMBERS),
        (f"{ACCUMULATING}({MLP}, nn.MSELoss(), {ADAM}, micro_batches=3)", NUMBERS),
        (f"{MIXED}({MLP}, nn.MSELoss(), {ADAM}, scaler=amp.GradScaler())", NUMBERS),
        (f"search.RandomDescent({MLP}, nn.MSELoss(), tries=3)", NUMBERS),
        (f"search.Annealing({MLP}, nn.MSELoss(), tries=3)", NUMBERS),
        ("descent.Descent(surfaces.Valley(), array([1.0, 0.5]), lr=0.05)", NUMBERS),
        ("perceptron.Rosenblatt(2, 1, lr=0.5)", (normal(4, 2), coin(4, 1))),
        (f"forward_forward.ForwardForward((2, 4, 3), 3, {ADAM})", CLASSES),
        ("cluster.KMeans(2, 2)", CLASSES),
        (f"{PSEUDO}(nn.Linear(2, 3), {ADAM}, sure=0.5, every=1)", FEW_LABELS),
        (f"semi_supervised.Pretrained({AUTOENCODER}, {ADAM}, pretrain=1)", FEW_LABELS),
        (f"{VAE}(nn.Linear(3, 4), nn.Linear(2, 3), {ADAM})", (unit(4, 3), unit(4, 3))),
    )
}
"""An expression that makes the learner, and the batch (x, target) that it learns."""

NO_EXAMPLE = {
    name: reason
    for reason, names in {
        "it is random: both libraries draw from the same distribution, but each from a "
        "generator of its own": """
            nn.init.kaiming_normal_ nn.init.kaiming_uniform_ nn.init.normal_
            nn.init.orthogonal_ nn.init.trunc_normal_ nn.init.uniform_
            nn.init.xavier_normal_ nn.init.xavier_uniform_""",
        "it is a base class: it computes no numbers itself": """
            distributed.Communicator nn.Module optim.Optimizer surfaces.Surface
            optim.lr_scheduler.LRScheduler training.Learner""",
        "it takes several processes, see docs/scaling.md": """
            distributed.DataParallelLearner distributed.averaged distributed.part""",
        "it only holds numbers: nothing is computed": """
            descent.Trace nn.Parameter semi_supervised.UNLABELLED""",
    }.items()
    for name in names.split()
}
"""Why some names have no live example."""
