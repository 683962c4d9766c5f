"""GPT: a transformer that predicts the next token at every position."""

from handmade._array import Array, array_namespace, device
from handmade._numbers import whole
from handmade.nn import init
from handmade.nn.activation import ReLU
from handmade.nn.attention import MultiheadAttention
from handmade.nn.container import Residual, Sequential
from handmade.nn.linear import Linear
from handmade.nn.module import Module
from handmade.nn.normalization import RMSNorm
from handmade.nn.sparse import Embedding


class GPT(Module):
    """Decoder-only transformer with tied embeddings.

    Forward:
        h = E[x] + P[0 … l − 1]                a vector for each token and position
        h ← h + attention(norm(h)),  h ← h + mlp(norm(h))          in each block
        logits = norm(h) Eᵀ                    the weight of the last Linear is E, too

    Backward:
        Through all of it in reverse. E is one Parameter and gets both gradients: that
        of the last Linear, Σ ∂L/∂logitsᵀ norm(h), and that of the embedding, the sum of
        ∂L/∂h over all places of a token. P gets the sum of ∂L/∂h over the sequences.
        There is no ∂L/∂x, since a token is no quantity: `backward` returns None.

    Shape:
        x (n, l) of integers, logits (n, vocab_size, l): classes second, as
        `CrossEntropyLoss` takes them; the target is (n, l).

    Args:
        vocab_size: how many tokens there are.
        block_size: the most positions, l at most.
        n_embd: numbers in a vector.
        n_head: heads of each attention; must divide n_embd.
        n_layer: blocks.

    Torch:
        None; `torch_ref.gpt.GPT` is written forward-only. The arguments have nanoGPT's
        names; as in microgpt, no layer has a bias, the norm is RMSNorm, the MLP has
        4 · n_embd ReLUs, and weights start from N(0, 0.08²).

    Source:
        Radford et al., Improving Language Understanding by Generative Pre-Training
        (2018); microgpt: Karpathy (2026). Tied weights: Press and Wolf (2017).
    """

    def __init__(
        self, vocab_size: int, block_size: int, n_embd: int, n_head: int, n_layer: int
    ) -> None:
        self.token = Embedding(vocab_size, n_embd)
        self.position = Embedding(block_size, n_embd)
        n_layer = whole("GPT", "n_layer", n_layer, 0)
        blocks = (_block(n_embd, n_head) for _ in range(n_layer))
        self.blocks = Sequential(*blocks, RMSNorm(n_embd))
        self.head = Linear(n_embd, vocab_size, bias=False)
        self.head.weight = self.token.weight  # tied: one Parameter, both gradients
        for parameter in self.parameters():
            if len(parameter.shape) == 2:
                init.normal_(parameter, std=0.08)

    def forward(self, x: Array) -> Array:
        """The logits of the token that follows each."""
        xp = array_namespace(self, x=x)
        self._require_sequences(x)
        positions = xp.arange(x.shape[1], dtype=xp.int64, device=device(x))
        h = self.token(x) + self.position(positions)
        return self.head(self.blocks(h)).mT

    def backward(self, grad_output: Array) -> None:
        """Accumulate the gradients of all parameters."""
        grad_h = self.blocks.backward(self.head.backward(grad_output.mT))
        xp = array_namespace(self, grad_h=grad_h)
        self.position.backward(xp.sum(grad_h, axis=0))
        self.token.backward(grad_h)

    def _require_sequences(self, x: Array) -> None:
        if x.ndim != 2 or x.shape[1] > self.position.num_embeddings:
            raise ValueError(
                f"GPT: x must be (n, l) with l ≤ block_size = "
                f"{self.position.num_embeddings}, got shape {tuple(x.shape)}"
            )


def _block(n_embd: int, n_head: int) -> Sequential:
    """Attention between the positions, then an MLP at each."""
    attention = MultiheadAttention(
        n_embd, n_head, bias=False, batch_first=True, is_causal=True
    )
    up = Linear(n_embd, 4 * n_embd, bias=False)
    down = Linear(4 * n_embd, n_embd, bias=False)
    return Sequential(
        Residual(RMSNorm(n_embd), attention),
        Residual(RMSNorm(n_embd), up, ReLU(), down),
    )


__all__ = ["GPT"]
