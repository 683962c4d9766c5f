"""The divergence as the mean log ratio, over the elements with a share above 0."""

import numpy as np

DIAGNOSIS = "right"


class KLDivLoss:
    def __init__(self, reduction="mean", log_target=False):
        self.reduction, self.log_target = reduction, log_target

    def forward(self, input, target):
        self.share = np.exp(target) if self.log_target else target
        counted = self.share > 0
        losses = np.zeros_like(input)
        ratio = np.log(self.share[counted]) - input[counted]
        losses[counted] = self.share[counted] * ratio
        sizes = {"mean": input.size, "batchmean": len(input)}
        self.size = sizes.get(self.reduction, 1)
        return losses if self.reduction == "none" else losses.sum() / self.size

    def backward(self, grad_output=1):
        return -grad_output * self.share / self.size
