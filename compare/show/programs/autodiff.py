"""Ways to differentiate, and the functions that can be differentiated."""

from compare.show.programs.program import Program, program
from compare.testing.draws import landing, normal, positive

ELEMENTWISE = """\
y, backward = autodiff.vjp(autodiff.{name}, x)
(gradient,) = backward(grad_output)"""
_DRAWN = {"exp": normal, "sin": normal, "cos": normal, "tanh": normal}
_DRAWN |= {"log": positive, "sqrt": positive}

AUTODIFF: dict[str, Program] = {
    **{
        f"autodiff.{name}": program(
            ELEMENTWISE.format(name=name), x=draw(4), grad_output=normal(4)
        )
        for name, draw in _DRAWN.items()
    },
    "autodiff.relu": program(
        ELEMENTWISE.format(name="relu"), x=landing(4, on=(0.0,)), grad_output=normal(4)
    ),
    "autodiff.sum": program(
        "y, backward = autodiff.vjp(lambda x: autodiff.sum(x, 1), x)\n"
        "(gradient,) = backward(grad_output)",
        x=normal(2, 3),
        grad_output=normal(2),
    ),
    "autodiff.amax": program(
        "y, backward = autodiff.vjp(lambda x: autodiff.amax(x, 1), x)\n"
        "(gradient,) = backward(grad_output)",
        x=landing(3, 4, on=(1.0,)),
        grad_output=normal(3),
    ),
    "autodiff.reshape": program(
        "y, backward = autodiff.vjp(lambda x: autodiff.reshape(x, (3, 2)), x)\n"
        "(gradient,) = backward(grad_output)",
        x=normal(2, 3),
        grad_output=normal(3, 2),
    ),
    "autodiff.transpose": program(
        "y, backward = autodiff.vjp(lambda x: autodiff.transpose(x, 0, 1), x)\n"
        "(gradient,) = backward(grad_output)",
        x=normal(2, 3),
        grad_output=normal(3, 2),
    ),
    "autodiff.vjp": program(
        "y, backward = autodiff.vjp(lambda x, w: autodiff.tanh(x @ w), x, w)\n"
        "gradient_x, gradient_w = backward(grad_output)",
        x=normal(2, 3),
        w=normal(3, 2),
        grad_output=normal(2, 2),
    ),
    "autodiff.jvp": program(
        "y, slope = autodiff.jvp(lambda x: x * autodiff.sin(x), (x,), (tangent,))",
        x=normal(4),
        tangent=normal(4),
    ),
    "autodiff.grad": program(
        "gradient = autodiff.grad(lambda x: autodiff.sum(x * autodiff.exp(x)))(x)",
        x=normal(4),
    ),
    "autodiff.grad_and_value": program(
        "f = lambda x: autodiff.sum(x * autodiff.exp(x))\n"
        "gradient, value = autodiff.grad_and_value(f)(x)",
        x=normal(4),
    ),
    **{
        f"autodiff.{name}": program(
            f"f = lambda x: autodiff.sum(autodiff.sin(x) * x)\n"
            f"gradient = autodiff.{name}(f, x)",
            x=normal(4),
        )
        for name in ("forward_difference", "central_difference", "complex_step")
    },
}
