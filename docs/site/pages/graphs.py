"""Calculations as graphs in SVG: values, local factors, and the backward pass."""

from html import escape

from compare.graph import Node, backward_steps, graph, short
from pages.markdown import code, table

INTRODUCTION = """# The calculation scheme (Rechenschema)

Each node has its value (above) and the derivative of the result by it (below, in
colour); each edge has the local factor. Choose a step: backward, one node after the
other, the gradient is the sum of factor times gradient over all uses of the node.
`python -m compare graph "x**2 + y**2" x=2 y=-1` prints any calculation of your own.
"""
POINT = {"x": 2.0, "y": -1.0}
NEURON = {"w1": 0.5, "x1": 1.0, "w2": 0.5, "x2": 1.0, "w0": 0.5}
GRAPHS = (
    ("C 1", "x**2 + y**2", POINT),
    ("C 2", "x**3 + y**3", POINT),
    ("C 3", "1/(x**2 + y**2)", POINT),
    ("C 4", "x**2 - 2*x*y + y**2", POINT),
    ("C 5", "sin(x) + exp(y)", POINT),
    ("C 6", "x1*x2", {"x1": 3.0, "x2": 5.0}),
    ("C 7", "x1 + 2*x2", {"x1": 3.0, "x2": 5.0}),
    ("C 8", "2*x1*x2**2", {"x1": 3.0, "x2": 5.0}),
    ("F2", "max(0, w1*x1 + w2*x2 + w0)", NEURON),
)
HEAD = ("node", "value", "by hand", "autograd", "finite difference")
WIDE, HIGH, GAP, EDGE = 132, 46, 64, 12
"""Of a node's box, from one box to the next, and around all of them."""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join([INTRODUCTION, *(_section(*one) for one in GRAPHS)])


def _section(id: str, expression: str, point: dict[str, float]) -> str:
    nodes = graph(expression, point)
    rows = (
        (code(n.label), *(f"{x:.6g}".replace("-", "−") for x in n[1:2] + n[3:]))
        for n in nodes
    )
    given = ", ".join(f"{x} = {value:g}" for x, value in point.items())
    where = f"{code(nodes[-1].label)}, {code(given.replace('-', '−'))}"
    figure = _stepper(id.replace(" ", ""), nodes)
    return f"## {id}\n\n{where}\n\n{figure}\n\n{table(HEAD, rows)}"


def _stepper(name: str, nodes: list[Node]) -> str:
    """The graph, and a button for each backward step; the page needs no script."""
    steps = backward_steps(nodes)
    buttons = style = ""
    for n, (node, terms, _) in enumerate(steps, 1):
        button = f"{name}-{n}"
        total = "" if n == 1 else f" = {short(node.by_hand).strip('()')}"
        last = " checked" if n == len(steps) else ""
        buttons += (
            f'<input type="radio" name="{name}" id="{button}"{last}>'
            f'<label for="{button}">{n}</label>'
            f'<code class="t{n}">{_slope(node)} = {escape(terms)}{total}</code>'
        )
        style += f"#{button}:checked ~ .t{n} {{ display: block; }}"
        for later in range(n + 1, len(steps) + 1):
            style += f"#{button}:checked ~ svg .s{later} {{ visibility: hidden; }}"
    return (
        f'<div class="graph" id="{name}"><style>{style}</style>{buttons}'
        f"{_svg(nodes, [node for node, _, _ in steps])}</div>"
    )


def _svg(nodes: list[Node], order: list[Node]) -> str:
    """Inputs on the left, the result on the right."""
    depth: list[int] = []
    for node in nodes:
        depth.append(max((depth[e.source] + 1 for e in node.inputs), default=0))
    columns = [
        [i for i, d in enumerate(depth) if d == n] for n in range(max(depth) + 1)
    ]
    tallest = max(map(len, columns))
    at = {
        i: (
            EDGE + n * (WIDE + GAP),
            EDGE + (row + (tallest - len(c)) / 2) * (HIGH + 30),
        )
        for n, c in enumerate(columns)
        for row, i in enumerate(c)
    }
    width = 2 * EDGE + len(columns) * (WIDE + GAP) - GAP
    height = 2 * EDGE + tallest * (HIGH + 30) - 30
    parts = [f'<svg viewBox="0 0 {width} {height:g}" style="max-width:{width}px">']
    for i, node in enumerate(nodes):
        parts += [_edge(at[e.source], at[i], short(e.factor)) for e in node.inputs]
    for i, node in enumerate(nodes):
        parts.append(_box(*at[i], node, 1 + order.index(node)))
    return "".join([*parts, "</svg>"])


def _edge(start: tuple[float, float], end: tuple[float, float], factor: str) -> str:
    x0, y0 = start[0] + WIDE, start[1] + HIGH / 2
    x1, y1 = end[0], end[1] + HIGH / 2
    x, y = x1 - GAP / 2, y1 + (y0 - y1) * GAP / 2 / (x1 - x0) - 4
    return (
        f'<line x1="{x0:g}" y1="{y0:g}" x2="{x1:g}" y2="{y1:g}"/>'
        f'<text class="factor" x="{x:g}" y="{y:g}">·{factor}</text>'
    )


def _box(x: float, y: float, node: Node, step: int) -> str:
    middle, value = x + WIDE / 2, short(node.value).strip("()")
    room = 17 - len(value)
    label = node.label if len(node.label) <= room else f"…{node.label[1 - room :]}"
    gradient = short(node.by_hand).strip("()")
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{WIDE}" height="{HIGH}" rx="6"/>'
        f'<text x="{middle:g}" y="{y + 18:g}">{escape(label)} = {value}</text>'
        f'<text class="gradient s{step}" x="{middle:g}" y="{y + 37:g}">'
        f"{gradient}</text>"
    )


def _slope(node: Node) -> str:
    label = escape(node.label)
    return f"∂f/∂({label})" if " " in label or "·" in label else f"∂f/∂{label}"
