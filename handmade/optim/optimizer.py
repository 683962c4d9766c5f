"""The base class of optimizers: parameter groups and state."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, ClassVar

from handmade._array import Array, check, check_alike, converted, require_shape
from handmade._numbers import flag, real_number
from handmade.nn.module import Parameter, parameters_of
from handmade.optim._ranges import require_number, require_numbers

Group = dict[str, Any]
State = dict[str, Any]
SCHEDULED = {"initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum"}
"""What schedulers keep in a group, beside the hyper-parameters."""

FLAGS = {"amsgrad", "centered", "decoupled_weight_decay", "maximize", "nesterov"}
"""Hyper-parameters that are switches."""


class Optimizer:
    """Changes parameters by their gradients.

    A subclass writes `updated`, a pure function from one parameter's data and gradient
    to its new data, and `check` for its hyper-parameters.

    Args:
        params: parameters, or groups `{"params": [...], "lr": ...}` of them that each
            may override the defaults.
        defaults: the hyper-parameters of a group that says nothing else.

    Torch:
        `torch.optim.Optimizer`: same groups, same `state_dict`; what is named in
        `numbers` is a Python number here and a tensor without dimensions there.
    """

    numbers: ClassVar[tuple[str, ...]] = ("step",)
    """What the state of a parameter holds besides arrays of the parameter's shape."""

    def __init__(
        self, params: Iterable[Parameter] | Iterable[Group], defaults: Group
    ) -> None:
        self.defaults = defaults
        self.state: dict[Parameter, State] = {}
        self.param_groups: list[Group] = []
        no_array = getattr(params, "ndim", 1)  # an array of no dimension has no parts
        if not isinstance(params, Iterable) or not no_array:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"{type(self).__name__}: expected Parameters or groups of them, in a "
                f"list, got {type(params).__name__}"
            )
        given = list(params)
        if not given:
            raise ValueError(f"{type(self).__name__}: got an empty parameter list")
        groups = given if isinstance(given[0], dict) else [{"params": given}]
        for group in groups:
            self.add_param_group(group)  # pyright: ignore[reportArgumentType]

    def add_param_group(self, group: Group) -> None:
        """Add parameters with hyper-parameters of their own.

        Raises:
            TypeError: `group` is no dict, `params` holds something else than
                Parameters, or a hyper-parameter is unknown or of another kind.
            ValueError: there are no `params`, a parameter stands in two places, or a
                value is out of range.
        """
        owner = type(self).__name__
        if not isinstance(group, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"{owner}: expected a group, a dict with 'params', "
                f"got {type(group).__name__}"
            )
        if "params" not in group:
            raise ValueError(f"{owner}: a group needs 'params', got only {[*group]}")
        unknown = group.keys() - self.defaults.keys() - {"params", *SCHEDULED}
        if unknown:
            raise TypeError(f"{owner}: unknown hyper-parameters {sorted(unknown)}")
        params = parameters_of(owner, group["params"])
        taken = [id(p) for other in self.param_groups for p in other["params"]]
        if len({*taken, *map(id, params)}) < len(taken) + len(params):
            raise ValueError(f"{owner}: a parameter stands in two places")
        filled = {**self.defaults, **group, "params": params}
        for name in FLAGS & filled.keys():
            filled[name] = flag(owner, name, filled[name])
        plain = _plain(filled)
        self.check_choices(plain)
        self.check(plain)
        self.param_groups.append(filled)

    def check(self, group: Group) -> None:
        """Raise ValueError for a hyper-parameter out of its range.

        Only for what a user asks for: a schedule may leave the range by a rounding,
        and what it has left must be loaded.
        """
        raise NotImplementedError

    def check_choices(self, group: Group) -> None:
        """Raise ValueError for a word or a flag that there is not, loaded or given."""

    def updated(self, data: Array, grad: Array, state: State, group: Group) -> Array:
        """The new data of one parameter; what the next step needs goes into `state`.

        `data` is the optimizer's own and may be written into, as `data -= …` does
        where the library allows it; `grad` and the arrays in `state` may not.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Update every parameter that has a gradient.

        Stability:
            What overflows, or is 0/0, becomes torch's Inf or NaN. NumPy may warn of
            it, as it is set up to (`numpy.errstate`).

        Raises:
            TypeError: a gradient, or an array in the state, has another library or
                dtype than its parameter.
            ValueError: it has another shape.
        """
        for group in self.param_groups:
            plain = _plain(group)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, plain)

    def _update(self, parameter: Parameter, group: Group) -> None:
        grad, state = parameter.grad, self.state.setdefault(parameter, {})
        check_alike(self, parameter.data, grad, names=("data", "grad"))
        if state:
            self._require_fitting(state, parameter.data)
        parameter.update(self.updated(parameter.writable(), grad, state, group))

    def _require_fitting(self, state: State, data: Array) -> None:
        """Refuse arrays that NumPy would silently broadcast or widen."""
        for name, value in state.items():
            if name not in self.numbers and hasattr(value, "dtype"):
                check_alike(self, data, value, names=("data", name))

    def zero_grad(self) -> None:
        """Forget all gradients: they become None."""
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """What a run needs to go on: the state of each parameter by its number.

        The arrays are the optimizer's own, not copies.
        """
        number = {p: i for i, p in enumerate(self._parameters())}
        return {
            "state": {number[p]: dict(s) for p, s in self.state.items() if s},
            "param_groups": [
                {**group, "params": [number[p] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, arrays copied.

        Nothing is changed unless everything fits.

        Raises:
            TypeError: it is not built like what `state_dict` returns, an array in the
                state is neither float32 nor float64, or a number or hyper-parameter is
                none.
            ValueError: the groups do not hold as many parameters as here, a
                hyper-parameter is NaN or holds another number of values, a state
                belongs to no parameter, or an array in it does not have the parameter's
                shape.

        Torch:
            As there, ranges are checked only where a group is made: a schedule may
            leave a rate just below 0, and the run must be able to go on from it.
        """
        self._require_structure(state_dict)
        groups = self._loaded_groups(state_dict)
        state = self._loaded_state(state_dict)
        for group, loaded in zip(self.param_groups, groups, strict=True):
            group.update(loaded)
        self.state = state

    def _require_structure(self, state_dict: Any) -> None:
        """Refuse what is not {"state": {number: dict}, "param_groups": [dict]}."""
        given: Any = state_dict if _is_a(state_dict, Mapping) else {}
        groups: Any = given.get("param_groups")
        states: Any = given.get("state")
        if not (
            _is_a(groups, list)
            and all(_is_a(g, Mapping) for g in groups)
            and all(_is_a(g.get("params"), (list, tuple)) for g in groups)
            and _is_a(states, Mapping)
            and all(str(number).lstrip("-").isdecimal() for number in states)
            and all(_is_a(state, Mapping) for state in states.values())
        ):
            raise TypeError(
                f"{type(self).__name__}.load_state_dict: expected a dict with 'state' "
                f"and 'param_groups', as state_dict() returns, got {state_dict!r}"
            )

    def _loaded_groups(self, state_dict: dict[str, Any]) -> list[Group]:
        """The own groups with the hyper-parameters of `state_dict`, once checked."""
        sizes = [len(group["params"]) for group in state_dict["param_groups"]]
        own = [len(group["params"]) for group in self.param_groups]
        if sizes != own:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: expected groups of {own} "
                f"parameters, got {sizes}"
            )
        pairs = zip(self.param_groups, state_dict["param_groups"], strict=True)
        known = self.defaults.keys() | SCHEDULED
        groups = [
            {**own, **{k: v for k, v in loaded.items() if k in known}}
            for own, loaded in pairs
        ]
        owner = f"{type(self).__name__}.load_state_dict"
        for group, own in zip(groups, self.param_groups, strict=True):
            plain = _plain(group)
            for name in self.defaults:
                _require_kind(owner, name, plain[name], own[name])
            self.check_choices(plain)
        return groups

    def _loaded_state(self, state_dict: dict[str, Any]) -> dict[Parameter, State]:
        """Copies of the states in `state_dict`, each by its parameter."""
        parameters = self._parameters()
        found: dict[Parameter, State] = {}
        for number, state in state_dict["state"].items():
            if not 0 <= int(number) < len(parameters):
                raise ValueError(
                    f"{type(self).__name__}.load_state_dict: a state for parameter "
                    f"{number}, but there are only 0 … {len(parameters) - 1}"
                )
            parameter = parameters[int(number)]
            found[parameter] = self._copied(state, parameter)
        return found

    def _copied(self, state: State, parameter: Parameter) -> State:
        """`state` with its arrays copied to where the parameter lies."""
        owner, copies = type(self).__name__, dict(state)
        for name, value in state.items():
            if name in self.numbers:
                copies[name] = _number(owner, name, value)
            elif hasattr(value, "dtype"):
                check(owner, **{name: value})
                require_shape(owner, name, value, parameter.shape)
                copies[name] = converted(value, like=parameter.data)
        return copies

    def _parameters(self) -> list[Parameter]:
        every: list[Parameter] = []
        for group in self.param_groups:
            every += group["params"]
        return every


def gradient_with_decay(data: Array, grad: Array, group: Group) -> Array:
    """G = ∂L/∂θ (its negative with maximize) + λ θ, unless λ is decoupled."""
    g = -grad if group["maximize"] else grad
    coupled = group["weight_decay"] and not group.get("decoupled_weight_decay")
    return g + group["weight_decay"] * data if coupled else g


def is_nonzero(number: Any) -> bool:
    """Whether a hyper-parameter is not 0.

    In a compiled step the hyper-parameters that a schedule changes are arrays without
    values: `compare.compile` then puts another function in the place of this one.
    """
    return bool(number)


def _plain(group: Group) -> Group:
    """`group` with Python numbers for NumPy's: a np.float64 would widen float32."""
    if _are_plain(*map(type, group.values())):
        return group
    return {k: v if k == "params" else _unwrapped(v) for k, v in group.items()}


@lru_cache
def _are_plain(*kinds: type) -> bool:
    """Whether these are Python's numbers, and one list, which is the "params"."""
    return {bool, float, int, list}.issuperset(kinds) and kinds.count(list) == 1


def _unwrapped(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(_unwrapped(inner) for inner in value)  # pyright: ignore[reportUnknownVariableType]
    single = getattr(value, "shape", None) == ()
    return value.item() if single and hasattr(value, "item") else value


def _require_kind(owner: str, name: str, value: Any, own: Any) -> None:
    """Refuse a loaded hyper-parameter that is another kind of thing than the own one.

    Raises:
        TypeError: it is no number where there was one.
        ValueError: it is NaN, or as many numbers as there were it is not.
    """
    if isinstance(own, (tuple, list)):
        require_numbers(owner, {name: value}, name, len(own))  # pyright: ignore[reportUnknownArgumentType]
    elif hasattr(own, "__float__"):
        require_number(owner, name, value)


def _number(owner: str, name: str, value: Any) -> float:
    """A number of the state, be it Python's or an array without dimensions."""
    if hasattr(value, "dtype"):
        require_shape(owner, name, value, ())
        value = float(value)
    return real_number(owner, name, value)


def _is_a(value: Any, kind: Any) -> bool:
    """`isinstance` that leaves the type of what a caller gives unknown."""
    return isinstance(value, kind)
