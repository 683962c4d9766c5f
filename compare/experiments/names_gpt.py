"""A GPT of 3,808 weights learns first names letter by letter, and writes new ones."""

from functools import lru_cache
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np

from compare import plots
from compare.backend import to_numpy
from compare.experiment import Data, Experiment, Side
from compare.experiments import common
from compare.experiments.common import reporting
from compare.results import Trial
from handmade.nn import CrossEntropyLoss
from handmade.nn.activation import softmax

NAMES = Path(common.__file__).with_name("names.txt")
TOKENS = "." + ascii_lowercase  # the dot stands before a name and behind it
END, PADDING = 0, -100  # CrossEntropyLoss leaves −100 out
LENGTH = 12  # the longest name, and its end
UNSEEN = 516  # names, a tenth
STEPS, BATCH = 1000, 32
SAMPLES, TEMPERATURE = 20, 0.5
SHOWN = "rosanna"


@lru_cache(maxsize=1)
def first_names() -> list[str]:
    """5,163 names of two to eleven letters; where they come from stands in the file."""
    lines = NAMES.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith("#")]


def encoded(names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The tokens ".anna" and what follows each, "anna.", padded to (n, LENGTH)."""
    x, target = np.full((2, len(names), LENGTH), END)
    target[:] = PADDING
    for row, name in enumerate(names):
        tokens = [TOKENS.index(letter) for letter in name]
        x[row, 1 : len(name) + 1] = tokens
        target[row, : len(name) + 1] = [*tokens, END]
    return x, target


def decoded(x: np.ndarray) -> list[str]:
    """The names in tokens (n, l) that begin with a dot; each ends before the next."""
    rows = ("".join(TOKENS[token] for token in row[1:]) for row in x)
    return [row.partition(".")[0] for row in rows]


def draw(rng: np.random.Generator) -> Data:
    """All names in a random order; the last tenth is held out."""
    names = first_names()
    x, target = encoded([names[i] for i in rng.permutation(len(names))])
    seen = slice(None, -UNSEEN)
    return Data(
        x=x[seen], target=target[seen], x_test=x[-UNSEEN:], target_test=target[-UNSEEN:]
    )


def gpt(library: Any) -> Any:
    """One block of four heads, 16 wide, trained by Adam with a falling rate."""

    def falling(optimizer: Any) -> Any:
        return library.optim.lr_scheduler.LinearLR(
            optimizer, start_factor=1.0, end_factor=0.05, total_iters=STEPS
        )

    return library.training.GradientLearner(
        library.gpt.GPT(len(TOKENS), block_size=16, n_embd=16, n_head=4, n_layer=1),
        library.nn.CrossEntropyLoss(),
        lambda parameters: library.optim.Adam(parameters, lr=0.01),
        falling,
    )


def bigram_loss(data: Data) -> float:
    """The held-out loss of counted pairs of letters, each counted once more."""
    counts, seen = np.ones((len(TOKENS), len(TOKENS))), data.target != PADDING
    np.add.at(counts, (data.x[seen], data.target[seen]), 1)
    p = counts / counts.sum(axis=1, keepdims=True)
    x, target = data.test_set
    unseen = target != PADDING
    return float(-np.log(p[x[unseen], target[unseen]]).mean())


def better_than_counting(side: Side) -> tuple[bool, str]:
    holds, words = True, []
    for trial in side.trials:
        x, target = trial.data.test_set
        loss = float(CrossEntropyLoss()(trial.predict(x).astype(float), target))
        counted = bigram_loss(trial.data)
        holds = holds and loss < counted - 0.1
        words.append(f"{loss:.3f} nats a letter, pairs: {counted:.3f}")
    return holds, f"{', '.join(words)}; {reporting.budget(side.trials, BATCH)}"


def sees_no_later_letter(side: Side) -> tuple[bool, str]:
    """Change each letter: logits before it must stay, its own and later ones not."""
    trial, rng = side.only, np.random.default_rng(0)
    x = trial.data.test_set[0][:100]
    logits, before, after = trial.predict(x), 0.0, []
    for place in range(1, LENGTH):
        other = x.copy()
        shift = rng.integers(1, len(TOKENS), len(x))
        other[:, place] = (x[:, place] + shift) % len(TOKENS)
        change = np.abs(trial.predict(other) - logits)
        before = max(before, float(change[:, :, :place].max()))
        after.append(float(change[:, :, place:].max()))
    return before == 0 and min(after) > 0.1, (
        f"a changed letter changes earlier logits by {before:g}, "
        f"its own and later ones by up to {max(after):.1f}"
    )


def written(trial: Trial, count: int = SAMPLES) -> list[str]:
    """Names drawn letter by letter from softmax(logits / temperature)."""
    rng = np.random.default_rng(trial.seed)
    x = np.full((count, LENGTH + 1), END)
    for place in range(LENGTH):
        logits = trial.predict(x[:, :LENGTH])[:, :, place].astype(float)
        up_to = softmax(logits / TEMPERATURE, 1).cumsum(axis=1)
        x[:, place + 1] = (rng.random((count, 1)) > up_to[:, :-1]).sum(axis=1)
    return decoded(x)


def triples(names: list[str]) -> list[str]:
    """All three letters in a row, the dots included."""
    dotted = [f".{name}." for name in names]
    return [name[i : i + 3] for name in dotted for i in range(len(name) - 2)]


def writes_new_names(side: Side) -> tuple[bool, str]:
    trial, known = side.only, set(first_names())
    seen = set(triples(decoded(trial.data.x)))
    names = written(trial)
    new = sum(name not in known for name in names)
    usual = float(np.mean([triple in seen for triple in triples(names)]))
    return new >= SAMPLES / 2 and usual > 0.85, (
        f"{', '.join(names)}; {new} of {SAMPLES} are new, and {usual:.0%} of their "
        f"letter triples are those of names"
    )


def on_both_sides(handmade: Side, torch_ref: Side) -> str:
    """The names that both sides write, one beside the other."""
    pairs = zip(written(handmade.only), written(torch_ref.only), strict=True)
    rows = [("by hand", "PyTorch"), *pairs]
    return "".join(f"{ours:<{LENGTH}}  {theirs}\n" for ours, theirs in rows)


def attention(trial: Trial, name: str) -> np.ndarray:
    """The weights P (heads, l, l) of each position for each one up to it."""
    model = trial.learner.model
    model(trial.give(encoded([name])[0][:, : len(name) + 1]))
    return to_numpy(model.blocks[0][0][1].saved[-1])[0]


def draw_attention(side: Side) -> plots.Figure:
    heads = attention(side.only, SHOWN)
    figure, axes = plots.canvas(len(heads))
    ticks, letters = range(len(SHOWN) + 1), list("." + SHOWN)
    for number, (ax, weights) in enumerate(zip(axes, heads, strict=True), start=1):
        ax.imshow(weights, cmap="Blues", vmin=0, vmax=1)
        ax.set_xticks(ticks, letters)
        ax.set_yticks(ticks, letters)
        ax.tick_params(length=0)
        first = ax is axes[0]
        plots.label(ax, f"head {number}", "key", "query" if first else "")
    return figure


EXPERIMENT = Experiment(
    title="A GPT writes first names",
    course=("F6",),
    teaches=("nn.RMSNorm", "nn.MultiheadAttention", "gpt.GPT"),
    heading="(Un/Semi-)Supervised",
    data=draw,
    learners={"gpt": gpt},
    steps=STEPS,
    batch_size=BATCH,
    claims={
        "it predicts unseen names better than counted pairs of letters": (
            better_than_counting
        ),
        "no logit is changed by a later letter": sees_no_later_letter,
        "it writes new names": writes_new_names,
    },
    figures={"attention": draw_attention},
    files={"names.txt": on_both_sides},
    story="The target of every letter is the next one, so names need no labels. Each "
    "position looks back with four heads: the figure shows where to, and nothing above "
    "the diagonal, since the mask forbids the future. Embedding and last layer share "
    "one weight, which gets the gradients of both. The names that both sides write, "
    "letter by letter from their own weights, are in names.txt: in float64 they are "
    "the same.",
)
