"""The smallest game there is, min_x max_y x·y: two players, two numbers, and no objective that both descend.

    x descends on L_x = x·y,  y descends on L_y = −x·y;  the one equilibrium is the origin

                    one step of size η                           what it does
    simultaneous    x − ηy,  y + ηx                              radius times √(1 + η²): spirals out, however small η
    alternating     x' = x − ηy,  then y + ηx'                   x² + y² − ηxy stays equal: an ellipse as long as η < 2
    extragradient   simultaneous, with the slopes that are       radius times √(1 − η² + η⁴): spirals in as long as
                    found one simultaneous step further on       η < 1

Sources: Mescheder, Geiger and Nowozin, ICML 2018 (simultaneous and alternating); Gidel et al., ICLR 2019 (all three).

`path` is plain arithmetic. `task` is the same game for `jointopt.train`, in the form that a GAN has too: each loss
reaches its own player only, the other one being detached. So the plan decides who moves when, and nothing else is new:

    plans.alternating(Update("x", "x"), Update("y", "y"))        alternating; one step above is two updates
    plans.joint()                                                simultaneous: both losses in one sum, one update

Without the detaching the sum would be x·y − x·y = 0, whose gradient moves nobody. Extragradient is no plan, since it
takes slopes at a point where the players do not stay; it is a kind of optimizer.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from jointopt.checks import check_choice, check_count, check_point, check_positive
from jointopt.training import Task

START, LR, STEPS = (1.0, 1.0), 0.1, 500
check_lr = partial(check_positive, "lr (the step size η)")


def simultaneous(x: float, y: float, lr: float) -> tuple[float, float]:
    """Both players answer to where the other one stands."""
    return x - lr * y, y + lr * x


def alternating(x: float, y: float, lr: float) -> tuple[float, float]:
    """x moves first, and y answers to where x then stands."""
    x = x - lr * y
    return x, y + lr * x


def extragradient(x: float, y: float, lr: float) -> tuple[float, float]:
    """Both move by the slopes at the point to which a simultaneous step would lead."""
    ahead_x, ahead_y = simultaneous(x, y, lr)
    return x - lr * ahead_y, y + lr * ahead_x


METHODS = {"simultaneous": simultaneous, "alternating": alternating, "extragradient": extragradient}


def path(start=START, method: str = "simultaneous", lr: float = LR, steps: int = STEPS) -> np.ndarray:
    """The game as it is played: float64 array (steps + 1, 2), columns x and y, row 0 the start.

    method: a name in METHODS. A path that leaves the range of float64 ends in inf or nan. ValueError for another
    method, a start that is not two finite numbers, lr that is not a finite number > 0, steps that are not a whole
    number ≥ 1.
    """
    x, y = check_point("start", start)
    check_choice("method", method, METHODS)
    lr, points = check_lr(lr), [(x, y)]
    for _ in range(check_count("steps", steps, 1)):
        points.append(METHODS[method](*points[-1], lr))
    return np.array(points)


def radius(points: np.ndarray) -> np.ndarray:
    """Distance from the equilibrium, (steps + 1,), of a path (steps + 1, 2)."""
    return np.hypot(points[:, 0], points[:, 1])


def replicated(paths: Mapping[str, np.ndarray]) -> bool:
    """Of {method: path}: True if they spiral out, circle and converge as published; no seeds, so no interval.

    After every step the radius of "simultaneous" is larger and that of "extragradient" smaller. The least and the
    largest radius of "alternating" in the second half of its path are those of the first half, to 1 %.
    """
    out, circle, inwards = (radius(paths[name]) for name in METHODS)
    first, second = ((half.min(), half.max()) for half in np.array_split(circle, 2))
    circles = np.allclose(second, first, rtol=0.01, atol=0)
    return bool((np.diff(out) > 0).all() and circles and (np.diff(inwards) < 0).all())


class Players(nn.Module):
    """x and y, each a module of its own to the training loop: two scalars in float64."""

    def __init__(self, x: float, y: float):
        super().__init__()
        self.x = nn.Parameter(torch.tensor(x, dtype=torch.float64))
        self.y = nn.Parameter(torch.tensor(y, dtype=torch.float64))


def task(start=START) -> Task:
    """The game as a task, modules and losses "x" and "y". ValueError if the start is not two finite numbers."""
    return Task(Players(*check_point("start", start)), losses, lambda number: None, weights={"x": 1.0, "y": 1.0})


def losses(players: Players, batch: None = None) -> dict[str, Tensor]:
    """L_x = x·y and L_y = −x·y, each a function of its own player alone."""
    return {"x": players.x * players.y.detach(), "y": -players.x.detach() * players.y}
