"""GPT: a transformer that predicts the next token at every position."""

import torch
from torch.nn import Embedding, Linear, Module, ReLU, RMSNorm, Sequential, init

from torch_ref.nn import MultiheadAttention, Residual


class GPT(Module):
    """Decoder-only transformer; the embedding is also the weight of the last layer.

    Args:
        vocab_size: the number of tokens.
        block_size: the largest number of positions.
        n_embd: the width of the model.
        n_head: the number of heads of each attention.
        n_layer: the number of blocks.
    """

    def __init__(
        self, vocab_size: int, block_size: int, n_embd: int, n_head: int, n_layer: int
    ) -> None:
        super().__init__()
        self.token = Embedding(vocab_size, n_embd)
        self.position = Embedding(block_size, n_embd)
        blocks = (_block(n_embd, n_head) for _ in range(n_layer))
        self.blocks = Sequential(*blocks, RMSNorm(n_embd))
        self.head = Linear(n_embd, vocab_size, bias=False)
        self.head.weight = self.token.weight  # tied
        for parameter in self.parameters():
            if parameter.ndim == 2:
                init.normal_(parameter, std=0.08)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the logits of the next token, (n, l) → (n, vocab_size, l)."""
        positions = torch.arange(x.shape[1], device=x.device)
        h = self.token(x) + self.position(positions)
        return self.head(self.blocks(h)).mT


def _block(n_embd: int, n_head: int) -> Sequential:
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
