"""The parts of the course, in its order, and where each is worked.

The lessons of a part are those that name it in their own `course`; all else is here.
"""

from dataclasses import dataclass
from itertools import groupby

CHAPTERS = {
    "A": "Optimisation",
    "B": "Exercises: activations",
    "C": "Exercises: gradients",
    "D": "The one-layer perceptron",
    "E": "Error",
    "F": "Backpropagation and deep learning",
}
LAWS = "handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64"
STEPS = "handmade/test_laws.py::test_two_hundred_steps_end_where_torch_ends"
CLAIMS = "compare/test_lessons.py::test_all_claims_hold_on_both_sides"
ACTIVATION = "Aufgaben: Aktivierung"
AT_ONCE = "Mehrere Aktivierungen in EINER Operation"
GRADIENTS = "Aufgaben: Gradienten"


@dataclass(frozen=True)
class Part:
    """One id of the course.

    Args:
        id: as lessons and exercises name it, such as "D6" or "B a".
        heading: the German heading of the slide, if it has one.
        about: what it is about, in a few words.
        names: public names of `handmade`.
        torch: what of torch does the same, beside those that `torch_ref` re-exports.
        tests: file and name of tests that hold both to it.
        commands: of `python -m compare` that work it, where no lesson does.
    """

    id: str
    heading: str
    about: str
    names: tuple[str, ...]
    tests: tuple[str, ...]
    torch: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @property
    def chapter(self) -> str:
        """The letter of its chapter."""
        return self.id[0]


def _exercise(id: str, heading: str, about: str, *names: str) -> Part:
    """A part that is worked by the command `exercises`."""
    complex_step = "test_gradients_on_paper_agree_with_the_complex_step"
    diagonal = "test_the_diagonal_of_the_matrix_holds_the_single_answers"
    more = {"C": (complex_step,), "B W·Xᵀ": (diagonal,)}
    held = ("test_all_three_answers_agree", *more.get(id, more.get(id[0], ())))
    tests = tuple(f"compare/test_exercises.py::{name}" for name in held)
    torch = ("torch.func.grad",) if id[0] == "C" else ()
    if "perceptron.weighted_sum" in names:
        torch = ("torch.inner",)
    return Part(id, heading, about, names, tests, torch, ("exercises",))


PARTS = (
    Part(
        "A1",
        "Newton Verfahren (vereinfacht)",
        "one-dimensional descent with a fixed step, on x²; beside it Newton's own step",
        ("descent.descend", "descent.newton", "surfaces.Square"),
        (
            "handmade/test_descent.py::test_the_slides_loop_takes_the_steps_of_the_closed_form",
            "handmade/test_descent.py::test_newton_divides_by_a_curvature_that_changes",
        ),
        ("torch.optim.SGD", "torch.func.hessian"),
    ),
    Part(
        "A2",
        "Newton Verfahren in ℝⁿ",
        "the same with the gradient, and with the inverse Hessian",
        ("descent.Descent", "descent.newton_step", "surfaces.Valley"),
        (
            "handmade/test_descent.py::test_both_wings_walk_the_same_way",
            "handmade/test_descent.py::test_newton_steps_of_many_points_are_torchs",
        ),
        ("torch.func.grad", "torch.func.hessian", "torch.linalg.solve"),
    ),
    Part(
        "A3",
        "Lernen / Wie Lernen?",
        "blind changes, the computed change, and only a little of it",
        ("search.RandomDescent", "training.GradientLearner", "optim.SGD"),
        ("handmade/test_search.py::test_both_sides_take_the_same_steps", STEPS),
        ("torch.Tensor.backward",),
    ),
    Part(
        "A4",
        "Verfahren ohne Ableitung: Pseudo-Ableitung",
        "left or right, turn round where it grows",
        ("search.blind_step", "search.blind_descent"),
        (
            "handmade/test_search.py::test_a_blind_step_worked_by_hand",
            "handmade/test_search.py::test_both_wings_look_at_the_same_points",
        ),
    ),
    Part(
        "A5",
        "random descent",
        "a random step is kept if it is better; annealing keeps some others, too",
        ("search.random_descent", "search.RandomDescent", "search.Annealing"),
        (
            "handmade/test_search.py::test_both_wings_search_at_random_alike",
            "handmade/test_search.py::"
            "test_a_worse_step_is_kept_with_the_probability_of_boltzmann",
        ),
    ),
    Part(
        "A6",
        "gradient descent, cautious and bold",
        "steps that adapt to the slope",
        (
            *("optim.Rprop", "optim.Adagrad", "optim.RMSprop", "optim.Adam"),
            "optim.lr_scheduler.OneCycleLR",
        ),
        (
            STEPS,
            "handmade/test_lr_scheduler.py::test_every_rate_is_torchs_to_the_last_bit",
        ),
    ),
    Part(
        "A7",
        "Forward-Forward-Network (Hinton)",
        "layers that learn without a backward pass",
        ("forward_forward.ForwardForward", "forward_forward.grad_goodness"),
        (
            "handmade/test_forward_forward.py::test_goodness_worked_by_hand",
            "handmade/test_forward_forward.py::test_the_gradients_of_every_layer_are_autograds",
        ),
        ("torch.Tensor.backward",),
    ),
    *(
        _exercise(
            f"B {letter}", ACTIVATION, about, "perceptron.weighted_sum", *activations
        )
        for letters, about, activations in (
            ("ab", "a linear neuron", ("nn.Identity",)),
            ("cd", "a neuron with ReLU", ("nn.ReLU",)),
            ("efgh", "a neuron with tanh, then sigmoid", ("nn.Tanh", "nn.Sigmoid")),
        )
        for letter in letters
    ),
    _exercise(
        "B W·x",
        AT_ONCE,
        "four rows of weights, one input",
        *("perceptron.weighted_sum", "nn.Tanh", "nn.Sigmoid"),
    ),
    _exercise(
        "B W·Xᵀ",
        AT_ONCE,
        "four rows of weights, four inputs",
        *("nn.Tanh", "nn.Sigmoid"),
    ),
    *(
        _exercise(f"C {number}", GRADIENTS, formula, f"surfaces.{name}")
        for number, (formula, name) in enumerate(
            (
                ("∇(x² + y²)", "SumOfSquares"),
                ("∇(x³ + y³)", "SumOfCubes"),
                ("∇(1/(x² + y²))", "InverseSquare"),
                ("∇(x² − 2xy + y²)", "SquaredDifference"),
                ("∇(sin x + eʸ)", "SinePlusExponential"),
                ("∇(x₁x₂)", "Product"),
                ("∇(x₁ + 2x₂)", "Plane"),
                ("∇(2x₁x₂²)", "ProductWithSquare"),
            ),
            start=1,
        )
    ),
    Part(
        "D1",
        "One Layer Perceptron",
        "g(Wx + w₀): weights, bias, threshold",
        ("perceptron.Perceptron", "nn.Linear", "nn.Step"),
        (
            "handmade/test_perceptron.py::test_a_perceptron_is_a_layer_and_an_activation",
            "handmade/test_perceptron.py::test_a_perceptron_is_differentiated_as_autograd_does",
        ),
    ),
    Part(
        "D2",
        "Matrixmultiplikation",
        "a matrix times a vector is a list of dot products",
        ("nn.Linear", "perceptron.with_ones"),
        (
            "handmade/test_perceptron.py::"
            "test_the_slides_matrix_product_is_a_list_of_dot_products",
        ),
        ("torch.nn.functional.pad",),
    ),
    Part(
        "D3",
        "Breiter Output",
        "several outputs of one input",
        ("perceptron.weighted_sum", "nn.Linear"),
        ("handmade/test_perceptron.py::test_the_slides_wide_output",),
        ("torch.inner",),
    ),
    Part(
        "D4",
        "Breiter Input / Batch",
        "many inputs in one operation",
        ("nn.Linear",),
        (LAWS, "handmade/test_perceptron.py::test_the_weighted_sum_is_torchs_linear"),
    ),
    Part(
        "D5",
        "Aktivierungen",
        "ReLU, step, sigmoid, tanh, leaky ReLU; why a step cannot learn",
        ("nn.ReLU", "nn.Step", "nn.Sigmoid", "nn.Tanh", "nn.LeakyReLU"),
        (
            LAWS,
            "handmade/test_contract.py::test_relu_has_slope_zero_at_the_kink",
            "handmade/test_contract.py::test_step_fires_only_above_zero",
        ),
    ),
    Part(
        "D6",
        "Aufgaben Perceptron",
        "OR by hand, consistently, and by torch.nn.Linear",
        ("nn.Linear", "perceptron.Rosenblatt", "nn.MSELoss", "optim.SGD"),
        (
            "handmade/test_perceptron.py::test_the_slides_neuron_answers_one_and_a_half",
            "handmade/test_perceptron.py::test_the_rule_worked_by_hand",
            CLAIMS,
        ),
    ),
    Part(
        "D7",
        "",
        "to write error and optimiser oneself",
        ("nn.MSELoss", "optim.SGD", "training.fit"),
        (
            "check/test_gallery.py::test_a_wrong_implementation_is_rejected_and_diagnosed",
            "check/test_templates.py::"
            "test_a_template_is_refused_until_it_is_filled_and_then_passes",
        ),
        commands=("template", "check"),
    ),
    Part(
        "D8",
        "Warum kann XOR nicht mit einem einfachen Linear Layer gelernt werden?",
        "XOR: beyond a single line, and learned with a hidden layer",
        ("nn.Sequential", "nn.Linear", "nn.Tanh"),
        (CLAIMS,),
    ),
    Part(
        "E1",
        "Fehler",
        "absolute and squared difference; accuracy is no error",
        ("nn.L1Loss", "nn.MSELoss", "metrics.accuracy"),
        (LAWS, "handmade/test_metrics.py::test_accuracy_is_the_share_of_hits"),
    ),
    Part(
        "E2",
        "CrossEntropy",
        "shares that add to 1, and the price of being sure and wrong",
        ("nn.CrossEntropyLoss", "nn.Softmax", "nn.LogSoftmax", "nn.NLLLoss"),
        (
            LAWS,
            "handmade/test_properties.py::test_the_loss_of_a_tiny_probability_keeps_its_digits",
        ),
    ),
    Part(
        "E3",
        "Custom Errors",
        "several measures, weighted and added",
        ("nn.WeightedSum", "nn.ExpectedCostLoss", "nn.SmoothnessPenalty"),
        (
            LAWS,
            "handmade/test_custom_losses.py::test_a_dearer_confusion_is_avoided_more",
            "handmade/test_custom_losses.py::"
            "test_a_sum_hands_the_upstream_gradient_on_to_its_losses",
        ),
        ("torch.softmax", "torch.stack"),
    ),
    Part(
        "F1",
        "Back Propagation",
        "forward, backward, the chain rule",
        ("nn.Sequential", "training.GradientLearner", "autodiff.vjp"),
        (LAWS, "handmade/test_laws.py::test_a_spoiled_backward_would_be_caught"),
        ("torch.Tensor.backward",),
    ),
    Part(
        "F2",
        "worked example",
        "the chain rule through one ReLU neuron; the slope at 0",
        ("nn.Linear", "nn.ReLU"),
        (LAWS, "handmade/test_contract.py::test_relu_has_slope_zero_at_the_kink"),
    ),
    Part(
        "F3",
        "Vanishing / Exploding Gradient",
        "long chains lose or multiply the gradient",
        ("nn.Sigmoid", "nn.utils.clip_grad_norm_", "nn.init.kaiming_normal_"),
        (
            "handmade/test_clip.py::test_the_norm_is_clipped_as_torch_does",
            "handmade/test_init.py::test_the_law_is_torchs",
        ),
    ),
    Part(
        "F4",
        "Lösungen",
        "regularisation, dropout, residual connections, normalisation, convolution",
        (
            *("optim.AdamW", "nn.Dropout", "nn.Residual", "nn.BatchNorm1d"),
            *("nn.LayerNorm", "nn.Conv2d", "nn.MaxPool2d"),
        ),
        (
            LAWS,
            "handmade/test_norms.py::test_both_wings_drop_the_same_units_after_the_same_seed",
            "handmade/test_norms.py::test_backward_belongs_to_the_mode_of_its_forward_pass",
            "handmade/test_windows.py::test_a_kernel_is_not_turned_round",
        ),
    ),
    Part(
        "F5",
        "Precision does NOT matter",
        "weights of few bits, and short floats",
        ("quantize.quantize", "nn.QuantizedLinear", "quantize.rounded"),
        (
            "handmade/test_quantize.py::test_a_worked_example",
            "handmade/test_quantize.py::"
            "test_torchs_own_fake_quantisation_gives_the_same_values_and_gradient",
        ),
        ("torch.autograd.Function", "torch.nn.functional.linear"),
    ),
    Part(
        "F6",
        "(Un/Semi-)Supervised",
        "compression, generation, clusters, few labels",
        (
            *("cluster.KMeans", "variational.VariationalAutoencoder"),
            *("semi_supervised.Autoencoder", "semi_supervised.PseudoLabels"),
        ),
        (
            "handmade/test_cluster.py::test_the_lloyd_step_is_the_newton_step_of_the_error",
            "handmade/test_variational.py::test_loss_and_gradients_of_a_step_are_autograds",
            "handmade/test_semi_supervised.py::test_both_sides_walk_alike_through_every_phase",
        ),
        ("torch.distributions.Normal", "torch.Tensor.backward"),
    ),
    Part(
        "F7",
        "Autodiff",
        "by hand, by differences, forward and reverse",
        (
            *("autodiff.central_difference", "autodiff.complex_step"),
            *("autodiff.jvp", "autodiff.vjp", "autodiff.grad"),
        ),
        (
            "handmade/test_autodiff.py::test_both_modes_are_torchs",
            "handmade/test_autodiff.py::test_one_function_runs_in_all_ways_on_both_sides",
        ),
    ),
)
"""All of them, in the order of the course."""


def by_heading() -> list[list[Part]]:
    """The parts, those of one heading together; one without heading stands alone."""
    groups = groupby(PARTS, lambda part: (part.chapter, part.heading or part.id))
    return [list(group) for _, group in groups]


def lessons_of(part: Part) -> list[str]:
    """The lessons that name a part: first those that begin with it."""
    from compare import headings, registry

    courses = {name: headings.heading(name).course for name in registry.names()}
    named = [name for name, course in courses.items() if part.id in course]
    return sorted(named, key=lambda name: courses[name].index(part.id))


def own_lessons(part: Part) -> list[str]:
    """The lessons whose first part it is: where a list shows them."""
    from compare import headings

    named = lessons_of(part)
    return [name for name in named if headings.heading(name).course[0] == part.id]
