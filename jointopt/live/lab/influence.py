"""How strongly each loss pulls at each module."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from jointopt.modules import parameters_of
from jointopt.training import Loss


def gradient_norms(
    losses: Mapping[str, Loss], model: nn.Module, moving: list[nn.Parameter]
) -> dict[tuple[str, str], float]:
    """{(loss, module): ‖∇ L_k‖} over the parameters that move, by one more backward pass per loss.

    The graph is kept, and no `.grad` touched. A loss that is still a function, and so has no graph, is left out.
    """
    modules = parameters_of(model)
    norms = {}
    for loss, value in losses.items():
        if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad or not moving:
            continue  # what is no scalar is refused by name in the step itself
        gradients = torch.autograd.grad(value, moving, retain_graph=True, allow_unused=True)
        by_parameter = {p: g for p, g in zip(moving, gradients, strict=True) if g is not None}
        for module, parameters in modules.items():
            squares = [by_parameter[p].square().sum() for p in parameters if p in by_parameter]
            if squares:
                norms[loss, module] = float(sum(squares).sqrt())
    return norms
