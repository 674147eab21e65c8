"""The game min_x max_y x·y against theory, and against the training loop."""

import numpy as np
import pytest
import torch

from jointopt import Task, Update, plans, train
from jointopt.toys import game
from jointopt.toys.game import METHODS, Players, path, radius

ALTERNATING = (Update("x", "x"), Update("y", "y"))
EXACT = 0.125  # times a power of two nothing is rounded; else torch's fused multiply-add differs in the last digit


def play(task, plan, lr=EXACT, optimizer=torch.optim.SGD):
    """Where the players stand at the start and after each update, (updates + 1, 2)."""
    points = [(task.model.x.item(), task.model.y.item())]
    for _ in train(task, plan, optimizer=optimizer(task.model.parameters(), lr=lr)):
        points.append((task.model.x.item(), task.model.y.item()))
    return np.array(points)


# Against theory


@pytest.mark.parametrize("lr", [0.01, 0.1, 0.7])
def test_simultaneous_steps_spiral_out_by_a_known_factor(lr):
    n = np.arange(501)
    expected = np.hypot(2, -0.5) * (1 + lr**2) ** (n / 2)
    np.testing.assert_allclose(radius(path((2, -0.5), "simultaneous", lr)), expected, rtol=1e-12)


@pytest.mark.parametrize("lr", [0.1, 0.5, 0.99])
def test_extragradient_steps_spiral_in_by_a_known_factor(lr):
    n = np.arange(501)
    expected = np.hypot(2, -0.5) * (1 - lr**2 + lr**4) ** (n / 2)
    np.testing.assert_allclose(radius(path((2, -0.5), "extragradient", lr)), expected, rtol=1e-11)


@pytest.mark.parametrize("lr", [0.01, 0.1, 1.0, 1.99])
def test_alternating_steps_stay_on_an_ellipse(lr):
    points = path((2, -0.5), "alternating", lr, steps=5000)
    x, y = points.T
    np.testing.assert_allclose(x**2 + y**2 - lr * x * y, 4.25 + lr, rtol=1e-9)
    # On the ellipse r² (1 − ½ η sin 2φ) is that constant, so the radius has a greatest and a smallest value.
    bounds = [np.sqrt((4.25 + lr) / (1 + sign * lr / 2)) for sign in (1, -1)]
    assert bounds[0] * (1 - 1e-9) <= radius(points).min() <= radius(points).max() <= bounds[1] * (1 + 1e-9)


def test_the_limits_of_the_step_size():
    assert radius(path(method="alternating", lr=2.1, steps=100))[-1] > 1e6
    np.testing.assert_allclose(radius(path(method="extragradient", lr=1.0)), np.sqrt(2))
    assert radius(path(method="extragradient", lr=1.1))[-1] > 1e6


def test_the_figures_of_the_chapter():
    ends = {method: radius(path((1, 1), method, lr=0.1, steps=500))[-1] for method in METHODS}
    assert ends["simultaneous"] == pytest.approx(17.02, abs=0.01)
    assert ends["alternating"] == pytest.approx(1.41, abs=0.01)
    assert ends["extragradient"] == pytest.approx(0.1175, abs=0.0001)


@pytest.mark.parametrize("method", METHODS)
def test_the_origin_is_the_equilibrium(method):
    assert (path((0, 0), method, steps=10) == 0).all()


# Against the training loop


def test_the_alternating_plan_gives_equal_numbers():
    points = play(game.task((2, -0.5)), plans.alternating(*ALTERNATING, steps=200))
    np.testing.assert_array_equal(points[::2], path((2, -0.5), "alternating", EXACT, steps=100))


def test_the_joint_plan_on_detached_losses_is_simultaneous_play():
    points = play(game.task((2, -0.5)), plans.joint(200))
    np.testing.assert_array_equal(points, path((2, -0.5), "simultaneous", EXACT, steps=200))


@pytest.mark.parametrize("lr", [0.1, 0.3])
def test_at_another_step_size_they_differ_in_the_last_digits_only(lr):
    in_turn = play(game.task((2, -0.5)), plans.alternating(*ALTERNATING, steps=200), lr)
    np.testing.assert_allclose(in_turn[::2], path((2, -0.5), "alternating", lr, steps=100), rtol=1e-12)
    at_once = play(game.task((2, -0.5)), plans.joint(100), lr)
    np.testing.assert_allclose(at_once, path((2, -0.5), "simultaneous", lr, steps=100), rtol=1e-12)


def test_each_loss_reaches_its_own_player_only():
    players = Players(2.0, -0.5)
    losses = game.losses(players)
    assert losses["x"].item() == -1 and losses["y"].item() == 1
    for name, other, slope in (("x", "y", -0.5), ("y", "x", -2.0)):
        gradient, nothing = torch.autograd.grad(
            losses[name], [getattr(players, name), getattr(players, other)], allow_unused=True
        )
        assert gradient.item() == slope and nothing is None


def undetached(players, batch):
    return {"x": players.x * players.y, "y": -players.x * players.y}


def test_without_detaching_the_alternating_plan_is_the_same_and_the_joint_sum_moves_nobody():
    def fresh():
        return Task(Players(2.0, -0.5), undetached, lambda number: None)

    points = play(fresh(), plans.alternating(*ALTERNATING, steps=200))
    np.testing.assert_array_equal(points[::2], path((2, -0.5), "alternating", EXACT, steps=100))
    assert (play(fresh(), plans.joint(20)) == (2.0, -0.5)).all()


class Extragradient(torch.optim.SGD):
    """Two calls of step() are one step: the first goes ahead, the second goes from the start by the slopes found."""

    def step(self):
        parameters = [p for group in self.param_groups for p in group["params"]]
        ahead = self.__dict__.pop("start", None)
        if ahead is None:
            self.start = [p.detach().clone() for p in parameters]
        else:
            with torch.no_grad():
                for p, start in zip(parameters, ahead, strict=True):
                    p.copy_(start)
        super().step()


def test_extragradient_is_an_optimizer_under_the_joint_plan():
    points = play(game.task((2, -0.5)), plans.joint(200), optimizer=Extragradient)
    np.testing.assert_array_equal(points[::2], path((2, -0.5), "extragradient", EXACT, steps=100))


@pytest.mark.parametrize("frozen", ["x", "y"])
def test_a_player_who_is_held_still_lets_the_other_run_off(frozen):
    """There is no best answer to one who does not move: the other goes on in a straight line."""
    other = "y" if frozen == "x" else "x"
    points = play(game.task((2, -0.5)), [Update(other, other)] * 20)
    column = "xy".index(other)
    moves = np.diff(points, axis=0)
    assert (moves[:, 1 - column] == 0).all()
    np.testing.assert_allclose(moves[:, column], EXACT * (2 if other == "y" else 0.5), rtol=1e-12)


# The published result


def test_what_the_papers_say_is_what_the_game_does():
    paths = {method: path(method=method) for method in METHODS}
    assert game.replicated(paths) is True
    for start, lr in (((2, -0.5), 0.1), ((1, 1), 0.5), ((-3, 4), 0.05)):
        assert game.replicated({method: path(start, method, lr, 1000) for method in METHODS})


@pytest.mark.parametrize(
    ("method", "other"),
    [
        ("simultaneous", "alternating"),
        ("simultaneous", "extragradient"),
        ("alternating", "simultaneous"),
        ("alternating", "extragradient"),
        ("extragradient", "alternating"),
        ("extragradient", "simultaneous"),
    ],
)
def test_the_rule_tells_the_methods_apart(method, other):
    paths = {name: path(method=name) for name in METHODS}
    assert game.replicated(paths | {method: paths[other]}) is False


@pytest.mark.parametrize("drift", [0.98, 1.02])
def test_a_circle_that_drifts_by_two_percent_is_none(drift):
    paths = {method: path(method=method) for method in METHODS}
    paths["alternating"] = paths["alternating"] * np.linspace(1, drift**2, len(paths["alternating"]))[:, None]
    assert game.replicated(paths) is False


@pytest.mark.parametrize(("method", "sign"), [("simultaneous", 1), ("extragradient", -1)])
def test_one_step_the_wrong_way_is_one_too_many(method, sign):
    paths = {name: path(method=name) for name in METHODS}
    paths[method][250] *= 1 - 0.02 * sign
    assert game.replicated(paths) is False


# Bad input

WRONG = [
    *[("start", value, "start must be two finite numbers") for value in ((1,), (1, 2, 3), 1.0, "12", None, (1, True))],
    *[("start", value, "start must be two finite numbers") for value in ((1, np.nan), (np.inf, 1), (1, "2"), {1, 2})],
    *[("method", value, "method must be one of 'simultaneous'") for value in ("joint", "", None, 1, ["alternating"])],
    *[("lr", value, "lr") for value in (0, -0.1, np.nan, np.inf, "0.1", None, True)],
    *[("steps", value, "steps must be a whole number") for value in (0, -1, 1.5, 60.0, "60", None, True)],
]


@pytest.mark.parametrize(("setting", "value", "message"), WRONG, ids=lambda value: repr(value)[:24])
def test_a_wrong_setting_is_named(setting, value, message):
    with pytest.raises(ValueError, match=message) as given:
        path(**{setting: value})
    assert repr(value) in str(given.value)
    if setting == "start":
        with pytest.raises(ValueError, match=message):
            game.task(value)


def test_settings_of_numpy_are_taken():
    points = path(np.array([1, 2]), lr=np.float32(0.5), steps=np.int64(1))
    assert points.tolist() == [[1, 2], [0, 2.5]] and points.dtype == np.float64
    assert game.task(np.array([1.0, 2.0])).model.y.item() == 2


@pytest.mark.filterwarnings("error")
def test_a_path_that_leaves_the_range_ends_quietly():
    assert not np.isfinite(path(lr=1e10, steps=100)[-1]).any()
