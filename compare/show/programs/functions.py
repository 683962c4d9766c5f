"""The course's surfaces and descents, the metrics, and the parts of the learners."""

from compare.show.programs.program import Program, program
from compare.testing.draws import classes, normal

SURFACE = """\
surface = surfaces.{name}()
value = surface.value(p)
gradient = surface.gradient(p)
hessian = surface.hessian(p)"""
CODER = """\
linear = [nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2)]
for layer in linear:
    layer.to(x).load_state_dict({"weight": weight, "bias": bias})
model = semi_supervised.Autoencoder(*linear)
output = model(x)
"""
_SURFACES = (
    *("InverseSquare", "Plane", "Product", "ProductWithSquare"),
    *("SinePlusExponential", "SquaredDifference", "SumOfCubes", "SumOfSquares"),
    "Valley",
)

FUNCTIONS: dict[str, Program] = {
    **{
        f"surfaces.{name}": program(SURFACE.format(name=name), p=normal(2))
        for name in _SURFACES
    },
    "surfaces.Square": program(SURFACE.format(name="Square"), p=normal(1)),
    "perceptron.with_ones": program("y = perceptron.with_ones(x)", x=normal(3, 2)),
    "perceptron.weighted_sum": program(
        "y = perceptron.weighted_sum(x, weights)", x=normal(3, 2), weights=normal(3)
    ),
    "perceptron.Perceptron": program(
        "model = perceptron.Perceptron(2, 1, nn.Sigmoid()).to(x)\n"
        'model.load_state_dict({"linear.weight": weight, "linear.bias": bias})\n'
        "output = model(x)\n"
        "model.backward(grad_output)\n"
        "gradient = model.linear.weight.grad",
        "model = perceptron.Perceptron(2, 1, nn.Sigmoid()).to(x)\n"
        'model.load_state_dict({"linear.weight": weight, "linear.bias": bias})\n'
        "output = model(x)\n"
        "output.backward(grad_output)\n"
        "gradient = model.linear.weight.grad",
        x=normal(4, 2),
        weight=normal(1, 2),
        bias=normal(1),
        grad_output=normal(4, 1),
    ),
    "descent.descend": program(
        "trace = descent.descend(lambda x: x * x, lambda x: 2 * x, array(1.0))\n"
        "points, errors = trace.points, trace.errors",
        "trace = descent.descend(lambda x: x * x, array(1.0))\n"
        "points, errors = trace.points, trace.errors",
    ),
    "descent.newton": program(
        "trace = descent.newton(lambda x: x**4, lambda x: 4 * x**3, "
        "lambda x: 12 * x**2, array(1.0))\n"
        "points, errors = trace.points, trace.errors",
        "trace = descent.newton(lambda x: x**4, array(1.0))\n"
        "points, errors = trace.points, trace.errors",
    ),
    "descent.newton_step": program(
        "hessian = root.T @ root\nstep = descent.newton_step(gradient, hessian)",
        root=normal(3, 2),
        gradient=normal(2),
    ),
    "search.blind_step": program(
        "x, value, step = search.blind_step(lambda x: x * x, 2.0, 4.0, 0.5)"
    ),
    "search.blind_descent": program(
        "trace = search.blind_descent(lambda x: x * x, 1.0, step=0.3)\n"
        "points, errors = trace.points, trace.errors"
    ),
    "search.random_descent": program(
        "manual_seed(1)\n"
        "trace = search.random_descent(lambda x: x @ x, x, scale=0.5)\n"
        "points, errors = trace.points, trace.errors",
        x=normal(2),
    ),
    **{
        f"cluster.{name}": program(
            f"answer = cluster.{name}(x, centres)", x=normal(5, 2), centres=normal(2, 2)
        )
        for name in ("squared_distances", "quantisation_error", "quantisation_gradient")
    },
    "cluster.kmeans_plus_plus": program(
        "manual_seed(1)\ncentres = cluster.kmeans_plus_plus(x, 2)", x=normal(5, 2)
    ),
    **{
        f"forward_forward.{name}": program(
            f"answer = forward_forward.{name}(x)", x=normal(2, 3)
        )
        for name in ("goodness", "grad_goodness", "direction")
    },
    "forward_forward.with_label": program(
        "x_and_label = forward_forward.with_label(x, label, 3)",
        x=normal(2, 3),
        label=classes(2, of=3),
    ),
    "forward_forward.wrong_label": program(
        "manual_seed(1)\nwrong = forward_forward.wrong_label(label, 3)",
        label=classes(6, of=3),
    ),
    "metrics.argmax": program("classes = metrics.argmax(output)", output=normal(4, 3)),
    "metrics.threshold": program(
        "answers = metrics.threshold(output, 0.5)", output=normal(6)
    ),
    "metrics.accuracy": program(
        "share = metrics.accuracy(predicted, target)",
        predicted=classes(8, of=2),
        target=classes(8, of=2),
    ),
    "metrics.confusion_matrix": program(
        "matrix = metrics.confusion_matrix(predicted, target, 3)",
        predicted=classes(6, of=3),
        target=classes(6, of=3),
    ),
    "metrics.purity": program(
        "share = metrics.purity(clusters, target)",
        clusters=classes(6, of=3),
        target=classes(6, of=3),
    ),
    **{
        f"quantize.{name}": program(
            "found = quantize.quantize(weight, 4)\n"
            "stored, scale, used = found.stored, found.scale, found.used",
            weight=normal(2, 3),
        )
        for name in ("quantize", "Quantized")
    },
    "semi_supervised.Autoencoder": program(
        f"{CODER}model.backward(grad_output)\ngradient = model.encoder.weight.grad",
        f"{CODER}output.backward(grad_output)\ngradient = model.encoder.weight.grad",
        x=normal(4, 2),
        weight=normal(2, 2),
        bias=normal(2),
        grad_output=normal(4, 2),
    ),
    "quantize.rounded": program(
        'float16 = quantize.rounded(values, "float16")\n'
        'bfloat16 = quantize.rounded(values, "bfloat16")',
        values=normal(4),
    ),
    "quantize.quantized_state_dict": program(
        'state = quantize.quantized_state_dict({"weight": weight, "bias": bias}, 4)\n'
        'used, kept = state["weight"], state["bias"]',
        weight=normal(2, 3),
        bias=normal(2),
    ),
    "quantize.model_bytes": program(
        'state = {"weight": weight, "bias": bias}\n'
        'float32 = quantize.model_bytes(state, "float32")\n'
        "bits_4 = quantize.model_bytes(state, 4)",
        weight=normal(2, 3),
        bias=normal(2),
    ),
    "training.fit": program(
        "model = nn.Linear(2, 1).to(x)\n"
        'model.load_state_dict({"weight": weight, "bias": bias})\n'
        "learner = training.GradientLearner(\n"
        "    model, nn.MSELoss(), lambda parameters: optim.SGD(parameters, lr=0.1)\n"
        ")\n"
        "losses = training.fit(learner, [(x, target)] * 4)\n"
        'learned = learner.parameters()["weight"]',
        x=normal(3, 2),
        target=normal(3, 1),
        weight=normal(1, 2),
        bias=normal(1),
    ),
}
