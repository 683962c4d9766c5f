"""What the remedies for vanishing gradients share: ten layers that need help."""

from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from compare import plots
from compare.experiment import Claim, Experiment, MakeLearner, backprop
from compare.experiments.common import digits as _digits
from compare.experiments.common import words as _words
from compare.results import Side

DEPTH = 10
WIDTH = 32
Block = Callable[[Any], list[Any]]
"""From the library's `nn` to the layers of one block."""


def plain(nn: Any) -> list[Any]:
    """A block without help."""
    return [nn.Linear(WIDTH, WIDTH), nn.Tanh()]


def learner(block: Block) -> MakeLearner:
    """Ten blocks between the pixels and the ten digits."""

    def model(nn: Any) -> Any:
        layers = [layer for _ in range(DEPTH) for layer in block(nn)]
        first = nn.Linear(64, WIDTH, bias=False)
        return nn.Sequential(first, *layers, nn.Linear(WIDTH, 10))

    return backprop(
        model=model,
        loss=lambda nn: nn.CrossEntropyLoss(),
        optimizer=lambda optim, parameters: optim.SGD(parameters, lr=0.01),
    )


def plain_guesses(side: Side) -> tuple[bool, str]:
    """Without help the net is no better than guessing, from every seed."""
    found = _digits.each(side, "plain", "accuracy/test")
    return max(found) < 0.2, _said(side, found)


def helped_learns(name: str, share: float) -> Claim:
    """The claim that the net with help reads so many digits right, from every seed."""

    def claim(side: Side) -> tuple[bool, str]:
        found = _digits.each(side, name, "accuracy/test")
        return min(found) >= share, _said(side, found)

    return claim


def _said(side: Side, found: list[float]) -> str:
    return f"test accuracy {_words.percent(found)}; {_words.seeds(side.trials)}"


def draw(name: str) -> Callable[[Side], Figure]:
    """Both losses, all seeds."""

    def drawn(side: Side) -> Figure:
        figure, (ax,) = plots.canvas()
        for trial in side.trials:
            color = plots.RED if trial.name == name else plots.GREY
            ax.plot(trial.losses, label=trial.name, alpha=0.7, color=color)
        handles, labels = ax.get_legend_handles_labels()
        once = dict(zip(labels, handles, strict=True))
        ax.legend(once.values(), once.keys(), fontsize=13)
        plots.label(ax, f"{DEPTH} layers of tanh", "step", "loss")
        return figure

    return drawn


def lesson(
    name: str,
    block: Block,
    share: float,
    title: str,
    course: tuple[str, ...],
    story: str,
) -> Experiment:
    """Ten layers without help and with it."""
    return Experiment(
        title=title,
        course=course,
        heading="Lösungen",
        data=_digits.small().draw,
        learners={"plain": learner(plain), name: learner(block)},
        steps=250,
        batch_size=64,
        seeds=3,
        metrics={"accuracy": _digits.accuracy},
        claims={
            f"{DEPTH} plain layers only guess": plain_guesses,
            f"with {name.replace('_', ' ')} at least {share:.0%} of the test digits "
            f"are right, from every seed": helped_learns(name, share),
        },
        figures={"losses": draw(name)},
        story=story,
    )
