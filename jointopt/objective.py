"""The objective: a sum of named losses, each with its weight.

    J(θ, φ, …) = Σ_k λ_k · L_k

The document's objective (§3.1) has two terms: "task", with weight 1, and "reg", with weight λ.
"""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def total(losses: Mapping[str, Tensor], weights: Mapping[str, float], counted: Collection[str] | None = None) -> Tensor:
    """J = Σ_k λ_k · L_k, over the losses that are counted (None: all). A loss without a weight has λ = 1."""
    return sum(weights.get(name, 1.0) * loss for name, loss in losses.items() if counted is None or name in counted)


def l2(*modules: nn.Module) -> Tensor:
    """½ Σ w² over all parameters of the modules, each parameter once.

    With the factor ½, λ means what `weight_decay` means to torch.optim.SGD: the gradient is λ · w.
    """
    parameters = {p: None for module in modules for p in module.parameters()}
    return 0.5 * sum(p.square().sum() for p in parameters)


def contrastive(scores: Tensor) -> Tensor:
    """Cross-entropy in nats of the pairs on the diagonal of scores (B, B), mean of both directions.

    Each row is to find its own column among all, and each column its own row: Radford et al., ICML 2021, figure 3.
    """
    right = torch.arange(len(scores), device=scores.device)  # (B,)
    return (F.cross_entropy(scores, right) + F.cross_entropy(scores.T, right)) / 2
