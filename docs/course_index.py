"""Makes docs/course.md: from each part of the course to its code and its tests.

`python docs/course_index.py docs/course.md` writes it.
"""

import inspect
import sys
from collections import defaultdict
from pathlib import Path

from compare.course import CHAPTERS, PARTS, Part, lessons_of
from compare.show.names import lookup
from compare.show.source import torch_name

HEAD = """\
# The course, part by part

Where each part of the course is worked: as a lesson or an exercise, by hand, in
PyTorch, and in the tests. Made by `make docs`; a test checks that it is up to date.

- lessons: `python -m compare run NAME`
- exercises: `python -m compare exercises`
- by hand beside PyTorch: `python -m compare show NAME`
"""
COLUMNS = ("id", "about", "lesson or exercise", "by hand", "in PyTorch", "held by")
ROOT = Path(__file__).resolve().parent.parent
INDEX = """
# A1
descent.descend descent.newton surfaces.Square
torch.optim.SGD torch.func.hessian
handmade/test_descent.py::test_the_slides_loop_takes_the_steps_of_the_closed_form
handmade/test_descent.py::test_newton_divides_by_a_curvature_that_changes

# A2
descent.Descent descent.newton_step surfaces.Valley
torch.func.grad torch.func.hessian torch.linalg.solve
handmade/test_descent.py::test_both_implementations_take_the_same_steps
handmade/test_descent.py::test_newton_steps_of_many_points_are_torchs

# A3
search.RandomDescent training.GradientLearner optim.SGD
torch.Tensor.backward
handmade/test_search.py::test_both_sides_take_the_same_steps
handmade/test_laws.py::test_two_hundred_steps_end_where_torch_ends

# A4
search.blind_step search.blind_descent
handmade/test_search.py::test_a_blind_step_worked_by_hand
handmade/test_search.py::test_both_implementations_look_at_the_same_points

# A5
search.random_descent search.RandomDescent search.Annealing
handmade/test_search.py::test_both_implementations_search_at_random_alike
handmade/test_search.py::test_a_worse_step_is_kept_with_the_probability_of_boltzmann

# A6
optim.Rprop optim.Adagrad optim.RMSprop optim.Adam optim.lr_scheduler.OneCycleLR
handmade/test_laws.py::test_two_hundred_steps_end_where_torch_ends
handmade/test_lr_scheduler.py::test_every_rate_is_torchs_to_the_last_bit

# A7
forward_forward.ForwardForward forward_forward.grad_goodness
torch.Tensor.backward
handmade/test_forward_forward.py::test_goodness_worked_by_hand
handmade/test_forward_forward.py::test_the_gradients_of_every_layer_are_autograds

# B a, B b
perceptron.weighted_sum nn.Identity
torch.inner
compare/test_exercises.py::test_all_three_answers_agree

# B c, B d
perceptron.weighted_sum nn.ReLU
torch.inner
compare/test_exercises.py::test_all_three_answers_agree

# B e, B f, B g, B h, B W·x
perceptron.weighted_sum nn.Tanh nn.Sigmoid
torch.inner
compare/test_exercises.py::test_all_three_answers_agree

# B W·Xᵀ
nn.Tanh nn.Sigmoid
compare/test_exercises.py::test_all_three_answers_agree
compare/test_exercises.py::test_the_diagonal_of_the_matrix_holds_the_single_answers

# C 1, C 2, C 3, C 4, C 5, C 6, C 7, C 8
torch.func.grad
compare/test_exercises.py::test_all_three_answers_agree
compare/test_exercises.py::test_gradients_on_paper_agree_with_the_complex_step

# C 1
surfaces.SumOfSquares

# C 2
surfaces.SumOfCubes

# C 3
surfaces.InverseSquare

# C 4
surfaces.SquaredDifference

# C 5
surfaces.SinePlusExponential

# C 6
surfaces.Product

# C 7
surfaces.Plane

# C 8
surfaces.ProductWithSquare

# D1
perceptron.Perceptron nn.Linear nn.Step
handmade/test_perceptron.py::test_a_perceptron_is_a_layer_and_an_activation
handmade/test_perceptron.py::test_a_perceptron_is_differentiated_as_autograd_does

# D2
nn.Linear perceptron.with_ones
torch.nn.functional.pad
handmade/test_perceptron.py::test_the_slides_matrix_product_is_a_list_of_dot_products

# D3
perceptron.weighted_sum nn.Linear
torch.inner
handmade/test_perceptron.py::test_the_slides_wide_output

# D4
nn.Linear accumulation.AccumulatingLearner
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_perceptron.py::test_the_weighted_sum_is_torchs_linear
handmade/test_accumulation.py::test_micro_batches_make_the_whole_batch

# D5
nn.ReLU nn.Step nn.Sigmoid nn.Tanh nn.LeakyReLU
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_contract.py::test_relu_has_slope_zero_at_the_kink
handmade/test_contract.py::test_step_fires_only_above_zero

# D6
nn.Linear perceptron.Rosenblatt nn.MSELoss optim.SGD
handmade/test_perceptron.py::test_the_slides_neuron_answers_one_and_a_half
handmade/test_perceptron.py::test_the_rule_worked_by_hand
compare/test_lessons.py::test_all_claims_hold_on_both_sides

# D7
nn.MSELoss optim.SGD training.fit
check/test_gallery.py::test_a_wrong_implementation_is_rejected_and_diagnosed
check/test_templates.py::test_a_template_is_refused_until_it_is_filled_and_then_passes

# D8
nn.Sequential nn.Linear nn.Tanh
compare/test_lessons.py::test_all_claims_hold_on_both_sides

# E1
nn.L1Loss nn.MSELoss metrics.accuracy
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_metrics.py::test_accuracy_is_the_fraction_of_right_answers

# E2
nn.CrossEntropyLoss nn.Softmax nn.LogSoftmax nn.NLLLoss
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_properties.py::test_the_loss_of_a_tiny_probability_keeps_its_digits

# E3
nn.WeightedSum nn.ExpectedCostLoss nn.SmoothnessPenalty
torch.softmax torch.stack
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_custom_losses.py::test_a_costlier_confusion_is_avoided_more
handmade/test_custom_losses.py::test_a_sum_hands_the_upstream_gradient_on_to_its_losses

# F1
nn.Sequential training.GradientLearner autodiff.vjp
torch.Tensor.backward
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_laws.py::test_a_wrong_backward_is_caught

# F2
nn.Linear nn.ReLU
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_contract.py::test_relu_has_slope_zero_at_the_kink

# F3
nn.Sigmoid nn.utils.clip_grad_norm_ nn.init.kaiming_normal_
handmade/test_clip.py::test_the_norm_is_clipped_as_torch_does
handmade/test_init.py::test_the_distribution_is_torchs

# F4
optim.AdamW nn.Dropout nn.Residual nn.BatchNorm1d nn.LayerNorm nn.RMSNorm nn.Conv2d nn.MaxPool2d
handmade/test_laws.py::test_value_and_gradients_are_torchs_in_float64
handmade/test_norms.py::test_both_implementations_drop_the_same_units_after_the_same_seed
handmade/test_norms.py::test_backward_belongs_to_the_mode_of_its_forward_pass
handmade/test_windows.py::test_a_kernel_is_not_turned_round

# F5
quantize.quantize nn.QuantizedLinear quantize.rounded amp.GradScaler amp.MixedPrecisionLearner
torch.autograd.Function torch.nn.functional.linear
handmade/test_quantize.py::test_a_worked_example
handmade/test_amp.py::test_the_scaler_is_torchs_to_the_last_bit
handmade/test_quantize.py::test_torchs_own_fake_quantisation_gives_the_same_values_and_gradient

# F6
cluster.KMeans variational.VariationalAutoencoder gpt.GPT nn.MultiheadAttention semi_supervised.Autoencoder semi_supervised.PseudoLabels
torch.distributions.Normal torch.Tensor.backward
handmade/test_cluster.py::test_the_lloyd_step_is_the_newton_step_of_the_error
handmade/test_variational.py::test_loss_and_gradients_of_a_step_are_autograds
handmade/test_gpt.py::test_loss_and_all_gradients_of_a_gpt_are_autograds
handmade/test_gpt.py::test_a_tied_weight_is_one_parameter_with_the_gradients_of_both_places
handmade/test_semi_supervised.py::test_both_sides_take_the_same_steps_through_every_phase

# F7
autodiff.central_difference autodiff.complex_step autodiff.jvp autodiff.vjp autodiff.grad autodiff.hvp autodiff.hessian
handmade/test_autodiff.py::test_both_modes_are_torchs
handmade/test_autodiff.py::test_one_function_runs_in_all_ways_on_both_sides
handmade/test_autodiff.py::test_second_derivatives_are_torchs
"""  # noqa: E501
"""By parts of the course: public names of `handmade`, what of torch does the same
beside what `torch_ref` re-exports, and the tests."""


def course_page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([HEAD, *map(_chapter, CHAPTERS)])


def names_of(part: Part) -> list[str]:
    """The public names of `handmade` that a part is about."""
    return [
        w for w in _index()[part.id] if "::" not in w and not w.startswith("torch.")
    ]


def checks_of(part: Part) -> list[str]:
    """Its tests, as file::name."""
    return [word for word in _index()[part.id] if "::" in word]


def torch_calls(part: Part) -> list[str]:
    """What of torch does the same: what is re-exported, and what the index names."""
    re_exported = [name for name in map(torch_name, names_of(part)) if name]
    named = [word for word in _index()[part.id] if word.startswith("torch.")]
    return list(dict.fromkeys([*re_exported, *named]))


def _index() -> dict[str, list[str]]:
    """The words of the index, by the id of the part."""
    words: dict[str, list[str]] = defaultdict(list)
    for block in INDEX.strip().split("\n\n"):
        ids, _, text = block.removeprefix("# ").partition("\n")
        for id in ids.split(", "):
            words[id] += text.split()
    return words


def _chapter(letter: str) -> str:
    rows = [_row(part) for part in PARTS if part.chapter == letter]
    lines = [COLUMNS, ("---",) * len(COLUMNS), *rows]
    table = "\n".join(f"| {' | '.join(row)} |" for row in lines)
    return f"## {letter}. {CHAPTERS[letter]}\n\n{table}\n"


def _row(part: Part) -> tuple[str, ...]:
    heading = f"**{part.heading}**: " if part.heading else ""
    lessons = [f"[{n}](../compare/experiments/{n}.py)" for n in lessons_of(part)]
    commands = [f"`{command}`" for command in part.commands]
    calls = torch_calls(part) or [f"torch_ref.{name}" for name in names_of(part)]
    tests = [test.partition("::") for test in checks_of(part)]
    cells = (
        [*lessons, *commands],
        [f"[{name}]({_file(name)})" for name in names_of(part)],
        [f"`{call}`" for call in calls],
        [f"[{name}](../tests/{file})" for file, _, name in tests],
    )
    return part.id, f"{heading}{part.about}", *map("<br>".join, cells)


def _file(name: str) -> str:
    """Where a name of handmade is defined, as seen from docs/."""
    path = Path(inspect.getfile(lookup(name))).resolve()
    return f"../{path.relative_to(ROOT).as_posix()}"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(course_page(), encoding="utf-8")
