"""The learners: what obeys the contract of `handmade.training.Learner`."""

from compare.show.programs.program import Learning
from compare.testing.draws import classes, normal

_MLP = "nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))"
_ADAM = "lambda parameters: optim.Adam(parameters, lr=0.1)"


LEARNERS: dict[str, Learning] = {
    "training.GradientLearner": Learning(
        f"training.GradientLearner({_MLP}, nn.MSELoss(), {_ADAM})",
        normal(4, 2),
        normal(4, 1),
    ),
    "perceptron.Rosenblatt": Learning(
        "perceptron.Rosenblatt(2, 1, lr=0.5)",
        normal(4, 2),
        lambda rng: rng.integers(0, 2, (4, 1)).astype(float),
    ),
    "descent.Descent": Learning(
        "descent.Descent(surfaces.Valley(), array([1.0, 0.5]), lr=0.05)",
        normal(1, 1),
        normal(1, 1),
    ),
    "search.RandomDescent": Learning(
        f"search.RandomDescent({_MLP}, nn.MSELoss(), tries=3)",
        normal(4, 2),
        normal(4, 1),
    ),
    "search.Annealing": Learning(
        f"search.Annealing({_MLP}, nn.MSELoss(), tries=3)", normal(4, 2), normal(4, 1)
    ),
    "forward_forward.ForwardForward": Learning(
        f"forward_forward.ForwardForward((2, 4, 3), 3, {_ADAM})",
        normal(5, 2),
        classes(5, of=3),
    ),
    "cluster.KMeans": Learning("cluster.KMeans(2, 2)", normal(6, 2), classes(6, of=2)),
    "semi_supervised.PseudoLabels": Learning(
        f"semi_supervised.PseudoLabels(nn.Linear(2, 3), {_ADAM}, sure=0.5, every=1)",
        normal(6, 2),
        classes(6, of=3, ignored=-1),
    ),
    "semi_supervised.Pretrained": Learning(
        "semi_supervised.Pretrained(semi_supervised.Autoencoder("
        f"nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3)), {_ADAM}, pretrain=1)",
        normal(6, 2),
        classes(6, of=3, ignored=-1),
    ),
    "variational.VariationalAutoencoder": Learning(
        "variational.VariationalAutoencoder(nn.Linear(3, 4), nn.Linear(2, 3), "
        f"{_ADAM})",
        lambda rng: rng.uniform(0, 1, (4, 3)),
        lambda rng: rng.uniform(0, 1, (4, 3)),
    ),
}
