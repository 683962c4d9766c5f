"""Learning-rate schedules.

Most write one pure function: the new learning rate of a group from its last one. They
go on from the last one, as torch does, where a formula in the step number would be as
short: so both round alike, and a learning rate changed by hand is respected.
"""

import copy
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from handmade._array import Array
from handmade._numbers import at_least, choice, flag, positive, whole
from handmade.optim.optimizer import Group, Optimizer

_VERSIONS = {"default_min_lr", "verbose"}
"""What some versions of torch keep in a state that says nothing of the schedule."""


class LRScheduler:
    """Changes the learning rate of every group, once a step.

    A subclass writes `rate`, the new learning rate of one group; e is the number of
    steps so far, `last_epoch`.

    Args:
        optimizer: whose learning rates; each group's own is kept as "initial_lr".
        last_epoch: −1 to begin; else how many steps were taken before, and the groups
            must hold "initial_lr", as those of a loaded optimizer do.

    Raises:
        KeyError: a group lacks what a schedule that goes on needs.

    Torch:
        `torch.optim.lr_scheduler.LRScheduler`: same recursions, same state but for two
        flags that are only True within a call. Torch warns when the optimizer has not
        stepped before the schedule does; not here. Groups that were added later are
        refused.
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        owner = type(self).__name__
        self.optimizer = _checked(owner, optimizer)
        self.last_epoch = whole(owner, "last_epoch", last_epoch, -1)
        for group in optimizer.param_groups:
            if last_epoch == -1:
                group.setdefault("initial_lr", group["lr"])
            self._require(group, "initial_lr")
        self.base_lrs = [group["initial_lr"] for group in optimizer.param_groups]
        self._step_count = 0
        self._advance(first=True)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        """The learning rate of `group` at step `last_epoch`.

        Args:
            group: with its last learning rate under "lr".
            base_lr: the one that it had in the beginning.
            first: whether the schedule is only being built.
        """
        raise NotImplementedError

    def step(self) -> None:
        """Set the next learning rates: after the optimizer's step.

        Raises:
            ValueError: the optimizer has other groups than in the beginning.
        """
        self._require_groups(len(self.base_lrs))
        self._advance(first=False)

    def get_last_lr(self) -> list[float]:
        """The learning rate of each group, as last set."""
        return list(self._last_lr)

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer: copies."""
        state = {k: v for k, v in vars(self).items() if k != "optimizer"}
        return copy.deepcopy(state)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned, copied.

        The learning rates themselves belong to the optimizer's state.

        Raises:
            KeyError: a name is missing, or belongs to another schedule.
            ValueError: the state is that of another number of groups.
        """
        owner = f"{type(self).__name__}.load_state_dict"
        own = vars(self).keys() - {"optimizer"}
        public = {name for name in state_dict if name[0] != "_"} - _VERSIONS
        if not own <= state_dict.keys() or not public <= own:
            raise KeyError(
                f"{owner}: missing {sorted(own - state_dict.keys())}, "
                f"unexpected {sorted(public - own)}"
            )
        if len(state_dict["_last_lr"]) != len(self._last_lr):
            raise ValueError(
                f"{owner}: expected a state of {len(self._last_lr)} groups, "
                f"got one of {len(state_dict['_last_lr'])}"
            )
        vars(self).update({name: copy.deepcopy(state_dict[name]) for name in own})

    def _advance(self, first: bool) -> None:
        self._step_count += 1
        self.last_epoch += 1
        pairs = zip(self.optimizer.param_groups, self.base_lrs, strict=True)
        rates = [self.rate(group, base_lr, first) for group, base_lr in pairs]
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate
        self._last_lr = rates

    def _require(self, group: Group, *names: str) -> None:
        for name in names:
            if name not in group:
                raise KeyError(
                    f"{type(self).__name__}: to go on from last_epoch >= 0 each group "
                    f"must hold {name!r}; load the optimizer's state first"
                )

    def _require_groups(self, count: int) -> None:
        if (now := len(self.optimizer.param_groups)) != count:
            raise ValueError(
                f"{type(self).__name__}: the optimizer had {count} groups, now {now}; "
                f"add all groups before the scheduler is made"
            )


class StepLR(LRScheduler):
    """Multiplies the learning rate by γ every `step_size` steps.

    Forward:
        lr ← γ lr where e is a multiple of step_size, but not 0

    Args:
        optimizer: whose learning rates.
        step_size: at least 1.
        gamma: γ, at least 0.
        last_epoch: see `LRScheduler`.

    Torch:
        `torch.optim.lr_scheduler.StepLR`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        step_size: int,
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.step_size = whole("StepLR", "step_size", step_size, 1)
        self.gamma = at_least("StepLR", "gamma", gamma, 0)
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return group["lr"]
        return group["lr"] * self.gamma


class MultiStepLR(LRScheduler):
    """Multiplies the learning rate by γ at given steps.

    Forward:
        lr ← γᵏ lr where e stands k times among the milestones

    Args:
        optimizer: whose learning rates.
        milestones: step numbers, at least 0, in any order.
        gamma: γ, at least 0.
        last_epoch: see `LRScheduler`.

    Torch:
        `torch.optim.lr_scheduler.MultiStepLR`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        owner = "MultiStepLR"
        no_array = getattr(milestones, "ndim", 1)  # one of no dimension has no parts
        if not isinstance(milestones, Iterable) or not no_array:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"{owner}: milestones must be whole numbers, in a list, "
                f"got {type(milestones).__name__}"
            )
        self.milestones = Counter(whole(owner, "a milestone", m, 0) for m in milestones)
        self.gamma = at_least(owner, "gamma", gamma, 0)
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        # A state that was saved as JSON comes back as a dict, which counts no absent.
        return group["lr"] * self.gamma ** self.milestones.get(self.last_epoch, 0)


class ExponentialLR(LRScheduler):
    """Multiplies the learning rate by γ at every step.

    Forward:
        lr ← γ lr

    Args:
        optimizer: whose learning rates.
        gamma: γ, at least 0.
        last_epoch: see `LRScheduler`.

    Torch:
        `torch.optim.lr_scheduler.ExponentialLR`.
    """

    def __init__(
        self, optimizer: Optimizer, gamma: float, last_epoch: int = -1
    ) -> None:
        self.gamma = at_least("ExponentialLR", "gamma", gamma, 0)
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        return group["lr"] if first else group["lr"] * self.gamma


class LinearLR(LRScheduler):
    """Linear change from one fraction of the learning rate to another: a warm-up.

    Forward:
        lr = lr₀ (s + (f − s) min(e, n) / n), written as what the last lr is times

    Args:
        optimizer: whose learning rates lr₀.
        start_factor: s, above 0 and at most 1.
        end_factor: f, from 0 to 1.
        total_iters: n, at least 0.
        last_epoch: see `LRScheduler`.

    Torch:
        `torch.optim.lr_scheduler.LinearLR`; with n = 0, too, the fraction stays s.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        self.start_factor = positive("LinearLR", "start_factor", start_factor)
        self.end_factor = at_least("LinearLR", "end_factor", end_factor, 0)
        for name, factor in (("start", start_factor), ("end", end_factor)):
            if factor > 1:
                raise ValueError(
                    f"LinearLR: {name}_factor must be at most 1, got {factor}"
                )
        self.total_iters = whole("LinearLR", "total_iters", total_iters, 0)
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        if self.last_epoch == 0:
            return group["lr"] * self.start_factor
        if first or self.last_epoch > self.total_iters:
            return group["lr"]
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return group["lr"] * (1.0 + rise / before)


class CosineAnnealingLR(LRScheduler):
    """Cosine annealing between the learning rate and its minimum.

    Forward:
        lr = η + (lr₀ − η) (1 + cos(π e / T)) / 2, gone on with from the last lr:
        lr ← η + (lr − η) (1 + cos(π e / T)) / (1 + cos(π (e − 1) / T))

    Stability:
        One step after a trough the divisor is 0, and the last lr says nothing any more:
        there lr ← lr + (lr₀ − η) (1 − cos(π / T)) / 2.

    Args:
        optimizer: whose learning rates lr₀.
        T_max: T, at least 1: the steps from the top to the trough.
        eta_min: η, at least 0.
        last_epoch: see `LRScheduler`.

    Torch:
        `torch.optim.lr_scheduler.CosineAnnealingLR`.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_max: int,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        self.T_max = whole("CosineAnnealingLR", "T_max", T_max, 1)
        self.eta_min = at_least("CosineAnnealingLR", "eta_min", eta_min, 0)
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        if first:
            return group["lr"]
        if (self.last_epoch - 1) % (2 * self.T_max) == self.T_max:
            rise = (base_lr - self.eta_min) * (1 - math.cos(math.pi / self.T_max)) / 2
            return group["lr"] + rise
        now = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        before = 1 + math.cos(math.pi * (self.last_epoch - 1) / self.T_max)
        return now / before * (group["lr"] - self.eta_min) + self.eta_min


class OneCycleLR(LRScheduler):
    """One-cycle policy: the learning rate rises and falls; momentum the other way.

    Forward:
        phases: initial → max → min, with three_phase initial → max → initial → min,
            where initial = max_lr / div_factor and min = initial / final_div_factor;
            the first takes the fraction pct_start of all steps
        at the fraction p of a phase from a to b:
            cos     b + (a − b) (1 + cos(π p)) / 2
            linear  a + (b − a) p

    Args:
        optimizer: whose learning rates; their own values do not count.
        max_lr: at least 0, for all groups or one for each.
        total_steps: of the cycle, at least 1; or else both of the next two.
        epochs: at least 1.
        steps_per_epoch: at least 1.
        pct_start: from 0 to 1.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: whether momentum (the first of betas) falls where lr rises.
        base_momentum: the least, for all groups or one for each.
        max_momentum: the largest, for all groups or one for each.
        div_factor: positive.
        final_div_factor: positive.
        three_phase: fall as slowly as rise, and only then to almost none.
        last_epoch: see `LRScheduler`.

    Raises:
        ValueError: also for a step after the last, and for a phase without steps;
            whatever is refused, nothing is changed.

    Torch:
        `torch.optim.lr_scheduler.OneCycleLR`, which ignores `epochs` beside
        `total_steps` (refused here), and takes one step too many, as is done here:
        after it, a rate that falls linearly is below 0.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        owner = "OneCycleLR"
        _checked(owner, optimizer)
        last_epoch = whole(owner, "last_epoch", last_epoch, -1)
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        pct_start = at_least(owner, "pct_start", pct_start, 0)
        if pct_start > 1:
            raise ValueError(f"{owner}: pct_start must be at most 1, got {pct_start}")
        choice(owner, "anneal_strategy", anneal_strategy, ("cos", "linear"))
        three_phase = flag("OneCycleLR", "three_phase", three_phase)
        self._schedule_phases = _phases(pct_start, self.total_steps, three_phase)
        self._anneal_func_type = anneal_strategy
        self._require_step(last_epoch + 1)
        div = positive(owner, "div_factor", div_factor)
        final_div = positive(owner, "final_div_factor", final_div_factor)
        cycles = [
            {"initial_lr": top / div, "max_lr": top, "min_lr": top / div / final_div}
            for top in _for_each(owner, "max_lr", max_lr, optimizer)
        ]
        self.cycle_momentum = flag(owner, "cycle_momentum", cycle_momentum)
        if self.cycle_momentum:
            self.use_beta1 = _has_betas(optimizer)
            tops = _for_each(owner, "max_momentum", max_momentum, optimizer)
            bases = _for_each(owner, "base_momentum", base_momentum, optimizer)
            for cycle, top, base in zip(cycles, tops, bases, strict=True):
                cycle |= {"max_momentum": top, "base_momentum": base}
        for group, cycle in zip(optimizer.param_groups, cycles, strict=True):
            self._require_range(optimizer, {**group, **cycle})
            if last_epoch != -1:
                self._require(group, *cycle)
        # Only now, when nothing is left to refuse, is anything written.
        for group, cycle in zip(optimizer.param_groups, cycles, strict=True):
            if last_epoch == -1:
                group |= cycle
        super().__init__(optimizer, last_epoch)

    def rate(self, group: Group, base_lr: float, first: bool) -> float:
        return self._annealed(group, "lr")

    def _advance(self, first: bool) -> None:
        self._require_step(self.last_epoch + 1)
        super()._advance(first)
        for group in self.optimizer.param_groups if self.cycle_momentum else []:
            # One step after the cycle it may leave the optimizer's range, as lr may.
            self._set_momentum(group, self._annealed(group, "momentum"))

    def _set_momentum(self, group: Group, momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum

    def _require_step(self, step: int) -> None:
        """Refuse a step beyond the cycle, or in a phase without steps."""
        if step > self.total_steps:
            raise ValueError(
                f"OneCycleLR: step {step} lies beyond the cycle of "
                f"{self.total_steps} steps"
            )
        start, end, _ = self._phase(step)
        if start == end:
            raise ValueError(
                f"OneCycleLR: step {step} falls into a phase without "
                f"steps; change pct_start or total_steps = {self.total_steps}"
            )

    def _require_range(self, optimizer: Optimizer, group: Group) -> None:
        """Refuse a cycle between momenta that are none to the optimizer."""
        trial = {**group, "lr": group["initial_lr"]}
        for name in ("base_momentum", "max_momentum") if self.cycle_momentum else ():
            self._set_momentum(trial, trial[name])
            optimizer.check(trial)

    def _annealed(self, group: Group, name: str) -> float:
        """The "lr" or "momentum" of `group` at this step, which has a phase."""
        start, end, phase = self._phase(self.last_epoch)
        share = (self.last_epoch - start) / (end - start)
        a, b = group[phase[f"start_{name}"]], group[phase[f"end_{name}"]]
        if self._anneal_func_type == "linear":
            return (b - a) * share + a
        return b + (a - b) / 2.0 * (math.cos(math.pi * share) + 1)

    def _phase(self, step: int) -> tuple[float, float, dict[str, Any]]:
        """Where the phase of `step` begins and ends, and the phase."""
        *early, last = self._schedule_phases
        start = 0.0
        for phase in early:
            if step <= phase["end_step"]:
                return start, phase["end_step"], phase
            start = phase["end_step"]
        return start, last["end_step"], last


class ReduceLROnPlateau(LRScheduler):
    """Reduces the learning rate when a metric has stopped improving.

    Forward:
        better: m < (1 − t) best (threshold_mode "rel") or m < best − t ("abs");
            with mode "max": m > (1 + t) best or m > best + t
        after more than `patience` steps in a row without a better m:
            lr ← max(f lr, min_lr), unless that changes it by eps or less
        for `cooldown` steps after that, no step counts as one without

    Args:
        optimizer: whose learning rates.
        mode: "min" where m shall fall, "max" where it shall rise.
        factor: f, at least 0 and below 1.
        patience: at least 0.
        threshold: t, at least 0.
        threshold_mode: "rel" or "abs".
        cooldown: at least 0.
        min_lr: at least 0, for all groups or one for each.
        eps: at least 0.

    Torch:
        `torch.optim.lr_scheduler.ReduceLROnPlateau`; a NaN is never better.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0,
        eps: float = 1e-8,
    ) -> None:
        owner = "ReduceLROnPlateau"
        self.optimizer = _checked(owner, optimizer)
        self.mode = choice(owner, "mode", mode, ("min", "max"))
        self.factor = at_least(owner, "factor", factor, 0)
        if factor >= 1:
            raise ValueError(f"{owner}: factor must be below 1, got {factor}")
        self.patience = whole(owner, "patience", patience, 0)
        self.threshold = at_least(owner, "threshold", threshold, 0)
        self.threshold_mode = choice(
            owner, "threshold_mode", threshold_mode, ("rel", "abs")
        )
        self.cooldown = whole(owner, "cooldown", cooldown, 0)
        self.min_lrs = _for_each(owner, "min_lr", min_lr, optimizer)
        self.eps = at_least(owner, "eps", eps, 0)
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = self.last_epoch = 0
        self._last_lr = [group["lr"] for group in optimizer.param_groups]

    def step(self, metrics: float | Array) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Look at the latest loss, and set the learning rates if it is time.

        Args:
            metrics: m, one number.
        """
        self._require_groups(len(self.min_lrs))
        self.last_epoch += 1
        self._count(float(metrics))
        if self.num_bad_epochs > self.patience:
            self._reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _count(self, metric: float) -> None:
        """The steps in a row without an improvement, `metric` being the latest."""
        self.num_bad_epochs += 1
        if self._is_better(metric):
            self.best, self.num_bad_epochs = metric, 0
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0

    def _is_better(self, metric: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        margin = sign * self.threshold
        relative = self.threshold_mode == "rel"
        bar = self.best * (1.0 + margin) if relative else self.best + margin
        return sign * metric > sign * bar

    def _reduce(self) -> None:
        for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
            rate = max(group["lr"] * self.factor, least)
            if group["lr"] - rate > self.eps:
                group["lr"] = rate


def _checked(owner: str, optimizer: Any) -> Optimizer:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{owner}: expected a handmade Optimizer, got {type(optimizer).__name__}"
        )
    return optimizer


def _for_each(
    owner: str, name: str, value: float | Sequence[float], optimizer: Optimizer
) -> list[float]:
    """One number at least 0 for each group."""
    count = len(optimizer.param_groups)
    values = list(value) if isinstance(value, (list, tuple)) else [value] * count
    if len(values) != count:
        raise ValueError(
            f"{owner}: {name} must be one number or {count}, one for each group, "
            f"got {len(values)}"
        )
    return [at_least(owner, name, one, 0) for one in values]


def _total_steps(total: int | None, epochs: int | None, per_epoch: int | None) -> int:
    owner = "OneCycleLR"
    if total is not None and epochs is None and per_epoch is None:
        return whole(owner, "total_steps", total, 1)
    if total is not None or epochs is None or per_epoch is None:
        raise ValueError(
            f"{owner}: give either total_steps or both epochs and steps_per_epoch, "
            f"got {total}, {epochs} and {per_epoch}"
        )
    return whole(owner, "epochs", epochs, 1) * whole(
        owner, "steps_per_epoch", per_epoch, 1
    )


def _has_betas(optimizer: Optimizer) -> bool:
    """Whether what cycles is the first of betas, not momentum."""
    if not optimizer.defaults.keys() & {"momentum", "betas"}:
        raise ValueError(
            f"OneCycleLR: cycle_momentum needs an optimizer with momentum or betas; "
            f"{type(optimizer).__name__} has neither"
        )
    return "betas" in optimizer.defaults


def _phases(pct_start: float, total: int, three: bool) -> list[dict[str, Any]]:
    """Where each phase ends, and from what to what it goes: torch's own table."""
    up = float(pct_start * total) - 1
    if three:
        down = float(2 * pct_start * total) - 2
        return [
            _phase(up, "initial max", "max base"),
            _phase(down, "max initial", "base max"),
            _phase(total - 1, "initial min", "max max"),
        ]
    return [
        _phase(up, "initial max", "max base"),
        _phase(total - 1, "max min", "base max"),
    ]


def _phase(end_step: float, rates: str, momenta: str) -> dict[str, Any]:
    """One row of the table: each pair of words says from what to what."""
    (lr, next_lr), (momentum, next_momentum) = rates.split(), momenta.split()
    return {
        "end_step": end_step,
        "start_lr": f"{lr}_lr",
        "end_lr": f"{next_lr}_lr",
        "start_momentum": f"{momentum}_momentum",
        "end_momentum": f"{next_momentum}_momentum",
    }


__all__ = [
    "CosineAnnealingLR",
    "ExponentialLR",
    "LRScheduler",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "ReduceLROnPlateau",
    "StepLR",
]
