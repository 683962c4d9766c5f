"""The name of every mistake, and its one-line repair."""

REPAIRS = {
    "factor 2": "divide by 2: there is a factor 2 too many",
    "factor ½": "multiply by 2: a ½ is too many, or the 2 of the square was forgotten",
    "1/N missing": "divide the gradient (and the value) by the number that the mean "
    "divides by",
    "1/N too often": "drop one division by N: the mean is taken twice",
    "mean over examples instead of elements": "divide by the number of all elements, "
    "not of the rows",
    "mean over elements instead of examples": "divide by the number of examples, not "
    "of all entries",
    "N/(N−1)": "divide by N, not by N − 1",
    "sign": "turn the sign",
    "arguments swapped": "the gradient by the output comes first: let "
    "the partner take (grad_output, x)",
    "transposed weight gradient": "∂L/∂W = grad_outputᵀ x, in the shape of W",
    "bias gradient not summed over the batch": "sum the bias gradient over the "
    "examples: grad_output.sum(axis=0)",
    "batch sum forgotten": "sum over all examples of the batch",
    "gradient overwritten": "add to the gradient that is there instead of replacing it",
    "bias gradient not summed over the positions": "sum the bias gradient over the "
    "examples and all positions of the output, too",
    "kernel flipped": "do not turn the kernel round: y[t] = Σ w[k] · x[t + k], and "
    "∂L/∂x[t + k] gets w[k] · ∂L/∂y[t]",
    "overlap overwritten": "add where windows overlap: += instead of =",
    "stride ignored": "move by stride from one window to the next (a pooling's is its "
    "kernel_size by default), in both passes",
    "dilation ignored": "take every dilation-th number of the input, in both passes",
    "gradient at ties": "of equal largest numbers the first, row by row, gets all the "
    "gradient",
    "padding in the mean": "count the padding in what the mean divides by, unless "
    "count_include_pad=False",
    "kink value": "use torch's value exactly at the kink",
    "product rule": "(x·g)′ = g + x·g′: one of the two terms is missing",
    "inner derivative": "the inner derivative β cancels the division by β",
    "wrong axis": "sum along the other axis",
    "log base": "use the natural logarithm",
    "unstable form": "take the maximum (or the mean) out first, or use e^-|x|, so that "
    "nothing overflows or cancels at large inputs",
    "input mutated": "work on a new array: the caller's was changed",
    "dtype changed": "compute in the dtype of the input",
    "other default": "let every argument default to what it does in torch",
    "option ignored": "use every argument, in the value and in the gradient: one "
    "makes no difference",
    "weights of the sum forgotten": "multiply what goes back into each loss by its "
    "weight: loss.backward(weight)",
    "transposed cost matrix": "the row is the true class, the column the answer: "
    "cost[target]",
    "entropy of the target missing": "add the target's own Σ y log y to the value",
    "wrap-around neighbours": "compare pixels inside the image only: the last one has "
    "no neighbour behind it",
    "eps outside the root": "add eps under the root: √(v + eps), not √v + eps",
    "statistics as constants": "μ and σ² depend on x, too: subtract from g = w ∂L/∂y "
    "its mean and x̂ · mean(g x̂)",
    "gradient of the mean forgotten": "subtract the mean of g = w ∂L/∂y",
    "gradient of the variance forgotten": "subtract x̂ · mean(g x̂), g being w ∂L/∂y",
    "running statistics in training": "in training mode normalise by the batch's own "
    "mean and variance",
    "batch statistics in evaluation": "in evaluation mode normalise by the running "
    "mean and variance",
    "biased running variance": "the running variance follows the unbiased one: "
    "σ² · N/(N−1)",
    "momentum reversed": "running ← (1 − momentum) · running + momentum · new",
    "dropout not scaled": "divide what is kept by 1 − p in training mode",
    "mask drawn afresh": "keep the forward pass's mask for the backward pass",
    "dropout in evaluation mode": "return x itself in evaluation mode, neither dropped "
    "nor scaled",
    "log-variance read as log σ": "the second half holds log σ²: σ = exp(½ log σ²)",
    "gradient of σ forgotten": "z = μ + σ ε depends on log σ², too: its gradient is "
    "½ ∂L/∂z σ ε",
    "noise drawn afresh": "keep the forward pass's ε for the backward pass",
    "noise in evaluation mode": "return μ itself in evaluation mode",
    "divergence the other way round": "KL(N(μ, σ²) ‖ N(μ₀, σ₀²)): the input's curves "
    "come first",
    "repeated indices overwritten": "add up the gradients of an index that occurs more "
    "than once: np.add.at, or a one-hot product",
    "scale not applied": "multiply the whole numbers by the scale before they are used",
    "rounded towards zero": "round to the nearest whole number, of two the even one",
    "signed maximum": "the scale comes from the largest |w|, not from the largest w",
    "weights not clipped": "keep the whole numbers within −1 and 1 (of n bits: within "
    "±(2ⁿ⁻¹ − 1))",
    "weights before rounding": "∂L/∂x needs the weights that the forward pass used",
    "slope of round": "let the gradient of the used weights straight through: the "
    "slope of round itself is 0",
    "gradient clipped": "let the gradient of clipped weights through, too",
    "scale in the gradient": "the gradient of the used weights is that of the kept "
    "ones: no scale in it",
    "skip connection forgotten": "add x to f(x), and so ∂L/∂y to f's gradient",
    "momentum's first step": "the first velocity is the gradient itself",
    "dampening": "v ← momentum · v + (1 − dampening) · g",
    "nesterov": "with nesterov the step is g + momentum · v, with the new v",
    "weight decay decoupled": "add weight_decay · θ to the gradient, before velocity",
    "weight decay missing": "add weight_decay · θ to the gradient",
    "lr inside the velocity": "multiply by lr outside the velocity: θ ← θ − lr · v",
    "maximize ignored": "with maximize turn the sign of the gradient first",
    "weight decay coupled": "shrink the weights themselves by lr · weight_decay, and "
    "leave the gradient alone",
    "weight decay without lr": "shrink the weights by lr · weight_decay",
    "weight decay after the step": "shrink the weights before the step, not after it",
    "bias correction missing": "divide the averages by 1 − βᵗ: they start at 0",
    "bias correction that is not there": "leave the average as it is: only Adam and "
    "its kin correct it",
    "step counted wrongly": "the first step is number 1, for every parameter",
    "betas swapped": "the first beta is the gradient's, the second that of its square",
    "eps inside the root": "eps stands outside the root: √v + eps",
    "eps before the bias correction": "correct the averages first, then add eps: "
    "√(v / (1 − β₂ᵗ)) + eps",
    "squared gradient missing": "average the squares: v ← β v + (1 − β) g²",
    "root missing": "divide by the root of the squares, √v",
    "amsgrad": "with amsgrad keep the largest uncorrected v, and correct that",
    "momentum schedule": "μₜ = β₁ (1 − ½ · 0.96^(t · momentum_decay)), and the step "
    "ahead has μₜ₊₁",
    "centered": "when centered divide by √(v − ḡ²) + eps",
    "shares swapped": "the past keeps the share alpha (rho), the new square gets 1 − "
    "alpha",
    "lr_decay off by one": "divide lr by 1 + (t − 1) · lr_decay at step t = 1, 2, …",
    "squares not added up": "add the new square to the sum of all earlier ones",
    "initial accumulator": "let the sum start at initial_accumulator_value",
    "lr counted among the steps": "average Δ² before Δ is multiplied by lr",
    "sign change": "where the sign of the gradient turns, set it to 0 before the step, "
    "and remember that 0",
    "etas swapped": "the first eta is for a turned sign, the second for the same one",
    "step sizes without limits": "keep every step size within step_sizes",
    "gradient instead of its sign": "step by the sign of the gradient, not its size",
    "Newton–Schulz": "divide by the norm and apply a x + b x³ + c x⁵ ns_steps times, "
    "no more and no less",
    "lr adjustment": "multiply lr by √max(1, rows/columns)",
    "square missing": "the slope of tanh is 1 − y², with the square",
    "wrong constant in the value": "the gradient is right: a constant is missing in "
    "the value, or too many, perhaps in one branch only; branches must meet",
    "value and gradient do not belong together": "differentiate the very value that "
    "forward returns",
}
"""Every name that a convention can have, and how to mend it.

Of several that would explain what is seen, the first is told.
"""
