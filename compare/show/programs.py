"""The live examples of names that are no layer, loss or optimiser.

`PROGRAMS`: a few lines that are run with both libraries; all that they assign to a name
is compared. `LEARNERS`: learners, which take a few steps. `NO_EXAMPLE`: why the other
names have none.
"""

import re

from compare.testing.draws import classes, coin, landing, normal, positive, unit

DRAWS = {
    "x": normal(2, 3),
    "x_above_0": positive(2, 3),
    "x_with_zeros": landing(2, 3, on=(0.0,)),
    "x_with_ties": landing(2, 3, on=(1.0,)),
    "w": normal(3, 3),
    "tangent": normal(2, 3),
    "grad_output": normal(2, 3),
    "grad_rows": normal(2),
    "grad_turned": normal(3, 2),
    "number": normal(1),
    "point": normal(2),
    "gradient": normal(2),
    "root": normal(3, 2),
    "vector": normal(4),
    "large": normal(4, scale=3),
    "weights": normal(4),
    "weight": normal(3, 3),
    "bias": normal(3),
    "centres": normal(2, 3),
    "samples": normal(8, 3),
    "label": classes(8, of=3),
    "predicted": classes(8, of=3),
}
"""How the arrays are drawn that the programs use."""

TEXT = """
# autodiff.exp
# autodiff.sin
# autodiff.cos
# autodiff.tanh
y, backward = autodiff.vjp(CALL, x)
(gradient,) = backward(grad_output)

# autodiff.log
# autodiff.sqrt
y, backward = autodiff.vjp(CALL, x_above_0)
(gradient,) = backward(grad_output)

# autodiff.relu
y, backward = autodiff.vjp(autodiff.relu, x_with_zeros)
(gradient,) = backward(grad_output)

# autodiff.sum
y, backward = autodiff.vjp(lambda x: autodiff.sum(x, 1), x)
(gradient,) = backward(grad_rows)

# autodiff.amax
y, backward = autodiff.vjp(lambda x: autodiff.amax(x, 1), x_with_ties)
(gradient,) = backward(grad_rows)

# autodiff.reshape(x, (3, 2))
# autodiff.transpose(x, 0, 1)
y, backward = autodiff.vjp(lambda x: CALL, x)
(gradient,) = backward(grad_turned)

# autodiff.vjp
y, backward = autodiff.vjp(lambda x, w: autodiff.tanh(x @ w), x, w)
gradient_x, gradient_w = backward(grad_output)

# autodiff.jvp
y, slope = autodiff.jvp(lambda x: x * autodiff.sin(x), (x,), (tangent,))

# autodiff.grad
gradient = autodiff.grad(lambda x: autodiff.sum(x * autodiff.exp(x)))(x)

# autodiff.grad_and_value
f = lambda x: autodiff.sum(x * autodiff.exp(x))
gradient, value = autodiff.grad_and_value(f)(x)

# autodiff.forward_difference(f, vector)
# autodiff.central_difference(f, vector)
# autodiff.complex_step(f, vector)
f = lambda x: autodiff.sum(autodiff.sin(x) * x)
gradient = CALL

# surfaces.InverseSquare()
# surfaces.Plane()
# surfaces.Product()
# surfaces.ProductWithSquare()
# surfaces.SinePlusExponential()
# surfaces.SquaredDifference()
# surfaces.SumOfCubes()
# surfaces.SumOfSquares()
# surfaces.Valley()
surface = CALL
value = surface.value(point)
gradient = surface.gradient(point)
hessian = surface.hessian(point)

# surfaces.Square()
surface = CALL
value = surface.value(number)
gradient = surface.gradient(number)
hessian = surface.hessian(number)

# descent.descend
trace = descent.descend(lambda x: x * x, lambda x: 2 * x, array(1.0))  # handmade
trace = descent.descend(lambda x: x * x, array(1.0))  # torch_ref
points, errors = trace.points, trace.errors

# descent.newton
f, df, d2f = (lambda x: x**4), (lambda x: 4 * x**3), (lambda x: 12 * x**2)
trace = descent.newton(f, df, d2f, array(1.0))  # handmade
trace = descent.newton(f, array(1.0))  # torch_ref
points, errors = trace.points, trace.errors

# descent.newton_step
hessian = root.T @ root
step = descent.newton_step(gradient, hessian)

# search.blind_step
position, value, step = search.blind_step(lambda x: x * x, 2.0, 4.0, 0.5)

# search.blind_descent(lambda x: x * x, 1.0, step=0.3)
# search.random_descent(lambda x: x @ x, point, scale=0.5)
manual_seed(1)
trace = CALL
points, errors = trace.points, trace.errors

# cluster.quantisation_error(x, centres)
# cluster.quantisation_gradient(x, centres)
# cluster.squared_distances(x, centres)
# forward_forward.direction(x)
# forward_forward.goodness(x)
# forward_forward.grad_goodness(x)
# forward_forward.with_label(samples, label, 3)
# metrics.accuracy(predicted, label)
# metrics.argmax(samples)
# metrics.confusion_matrix(predicted, label, 3)
# metrics.purity(predicted, label)
# metrics.threshold(vector, 0.5)
# perceptron.weighted_sum(x, weights)
# perceptron.with_ones(x)
result = CALL

# cluster.kmeans_plus_plus(samples, 2)
# forward_forward.wrong_label(label, 3)
manual_seed(1)
result = CALL

# perceptron.Perceptron
model = perceptron.Perceptron(3, 3, nn.Sigmoid()).to(x)
model.load_state_dict({"linear.weight": weight, "linear.bias": bias})
output = model(x)
model.backward(grad_output)  # handmade
output.backward(grad_output)  # torch_ref
gradient = model.linear.weight.grad

# semi_supervised.Autoencoder
linear = [nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3)]
for layer in linear:
    layer.to(x).load_state_dict({"weight": weight, "bias": bias})
model = semi_supervised.Autoencoder(*linear)
output = model(x)
model.backward(grad_output)  # handmade
output.backward(grad_output)  # torch_ref
gradient = model.encoder.weight.grad

# quantize.quantize
# quantize.Quantized
found = quantize.quantize(weight, 4)
stored, scale, used = found.stored, found.scale, found.used

# quantize.rounded
float16 = quantize.rounded(vector, "float16")
bfloat16 = quantize.rounded(vector, "bfloat16")

# quantize.quantized_state_dict
state = quantize.quantized_state_dict({"weight": weight, "bias": bias}, 4)
used, kept = state["weight"], state["bias"]

# quantize.model_bytes
state = {"weight": weight, "bias": bias}
float32 = quantize.model_bytes(state, "float32")
bits_4 = quantize.model_bytes(state, 4)

# training.fit
model = nn.Linear(3, 3).to(x)
model.load_state_dict({"weight": weight, "bias": bias})
learner = training.GradientLearner(
    model, nn.MSELoss(), lambda parameters: optim.SGD(parameters, lr=0.1)
)
losses = training.fit(learner, [(x, tangent)] * 4)
learned = learner.parameters()["weight"]

# manual_seed
manual_seed(3)
y = nn.Dropout(0.5)(x)
manual_seed(3)
again = nn.Dropout(0.5)(x)

# optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
# optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 4], gamma=0.5)
# optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
# optim.lr_scheduler.LinearLR(optimizer, total_iters=4)
# optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=5)
# optim.lr_scheduler.OneCycleLR(optimizer, 0.5, total_steps=8, cycle_momentum=False)
optimizer = optim.SGD([nn.Parameter(point)], lr=0.1)
scheduler = CALL
rates = []
for _ in range(6):
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step()

# optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
optimizer = optim.SGD([nn.Parameter(point)], lr=0.1)
scheduler = CALL
rates = []
for loss in [3.0, 2.0, 2.0, 2.0, 1.0, 1.0]:
    rates.append(optimizer.param_groups[0]["lr"])
    optimizer.step()
    scheduler.step(loss)

# nn.init.constant_(parameter, 0.3)
# nn.init.eye_(parameter)
# nn.init.ones_(parameter)
# nn.init.zeros_(parameter)
parameter = nn.Parameter(x)
CALL
filled = parameter.data

# nn.init.calculate_gain
relu = nn.init.calculate_gain("relu")
tanh = nn.init.calculate_gain("tanh")
leaky_relu = nn.init.calculate_gain("leaky_relu", 0.2)

# nn.utils.clip_grad_norm_([parameter], max_norm=1.0)
# nn.utils.clip_grad_value_([parameter], clip_value=1.0)
parameter = nn.Parameter(vector)
parameter.grad = large
result = CALL
clipped = parameter.grad
"""
"""Programs below the names that they are examples of.

`CALL` stands for what the comment says. A line that ends in the name of a library is
run with that library alone: `handmade` needs derivatives that torch finds itself.
"""


def _programs(text: str) -> dict[str, str]:
    programs: dict[str, str] = {}
    for block in text.strip().split("\n\n"):
        calls = re.findall(r"^# (.+)$", block, re.MULTILINE)
        lines = re.sub(r"^# .+\n", "", block, flags=re.MULTILINE)
        for call in calls:
            programs[call.partition("(")[0]] = lines.replace("CALL", call)
    return programs


PROGRAMS = _programs(TEXT)

MLP = "nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))"
ADAM = "lambda parameters: optim.Adam(parameters, lr=0.1)"
CODER = "nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3)"
NUMBERS = (normal(4, 2), normal(4, 1))
CLASSES = (normal(6, 2), classes(6, of=3))
FEW_LABELS = (normal(6, 2), classes(6, of=3, ignored=-1))
LEARNERS = {
    code.partition("(")[0]: (code, batch)
    for code, batch in (
        (f"training.GradientLearner({MLP}, nn.MSELoss(), {ADAM})", NUMBERS),
        (f"search.RandomDescent({MLP}, nn.MSELoss(), tries=3)", NUMBERS),
        (f"search.Annealing({MLP}, nn.MSELoss(), tries=3)", NUMBERS),
        ("descent.Descent(surfaces.Valley(), array([1.0, 0.5]), lr=0.05)", NUMBERS),
        ("perceptron.Rosenblatt(2, 1, lr=0.5)", (normal(4, 2), coin(4, 1))),
        (f"forward_forward.ForwardForward((2, 4, 3), 3, {ADAM})", CLASSES),
        ("cluster.KMeans(2, 2)", CLASSES),
        (
            f"semi_supervised.PseudoLabels(nn.Linear(2, 3), {ADAM}, sure=0.5, every=1)",
            FEW_LABELS,
        ),
        (
            "semi_supervised.Pretrained("
            f"semi_supervised.Autoencoder({CODER}), {ADAM}, pretrain=1)",
            FEW_LABELS,
        ),
        (
            "variational.VariationalAutoencoder("
            f"nn.Linear(3, 4), nn.Linear(2, 3), {ADAM})",
            (unit(4, 3), unit(4, 3)),
        ),
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
