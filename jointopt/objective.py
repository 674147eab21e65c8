"""The objective: a sum of named losses, each with its weight.

    J(θ, φ, …) = Σ_k λ_k · L_k

The document's objective (§3.1) has two terms: "task", with weight 1, and "reg", with weight λ.
"""

import math
from collections.abc import Collection, Mapping
from numbers import Real

from torch import Tensor, nn


def total(losses: Mapping[str, Tensor], weights: Mapping[str, float], counted: Collection[str] | None = None) -> Tensor:
    """J = Σ_k λ_k · L_k, over the losses that are counted (None: all). A loss without a weight has λ = 1."""
    return sum(weights.get(name, 1.0) * loss for name, loss in losses.items() if counted is None or name in counted)


def l2(*modules: nn.Module) -> Tensor:
    """½ Σ w² over all parameters of the modules, each parameter once.

    With the factor ½, λ means what `weight_decay` means to torch.optim.SGD: the gradient is λ · w.
    """
    parameters = {p: None for module in modules for p in module.parameters()}
    return 0.5 * sum(p.square().sum() for p in parameters)


def activation_l2(features: Tensor) -> Tensor:
    """½ ‖f(x)‖², averaged over the batch; features: (B, …)."""
    return 0.5 * features.square().flatten(1).sum(1).mean()


def check_number(what: str, value: object) -> float:
    """The value as a float, if it is a finite number ≥ 0; otherwise a ValueError that says what it should be."""
    if not is_finite(value) or value < 0:
        raise ValueError(f"{what} must be a finite number ≥ 0, got {value!r}")
    return float(value)


def check_rate(value: object) -> float:
    """The learning rate as a float; a ValueError unless it is one finite number ≥ 0."""
    if isinstance(value, Mapping):
        own = "a rate per module is that of a group of an optimizer of your own, which jointopt.train takes"
        raise ValueError(f"the learning rate must be one number for all modules, got {value!r}; {own}")
    return check_number("the learning rate", value)


def is_finite(value: object) -> bool:
    """Whether it is a number that a float can hold, and neither nan nor infinite. A bool is none."""
    try:
        return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # 10**400
        return False
