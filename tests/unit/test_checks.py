"""Each check accepts what it should, and refuses the rest in its own words."""

import re
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from jointopt import checks

NAN, INF = float("nan"), float("inf")
LAMBDAS, CHOICES, NAMES = {"task": 1.0}, ("iou", "dice"), ("head", "body")
ONE, TWO = torch.tensor(1.0), torch.ones(2)
LOSSES = {"task": ONE, "later": lambda: ONE}
WITH_NAN = torch.tensor([NAN, 1])
IMAGES, NONE = torch.zeros(4, 3, 8, 6), torch.zeros(0).long()


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


ACCEPTED = [  # what it answers, and how it is called
    (0.5, checks.check_number, "λ", np.float32(0.5)),
    (0.0, checks.check_number, "λ", 0),
    (1.0, checks.check_number, "share", 1, 1),
    (1.0, checks.check_positive, "σ", 1),
    (3, checks.check_count, "seeds", np.int64(3), 1),
    (2, checks.check_count, "size", 2, 2, 4),
    (4, checks.check_count, "size", 4, 2, 4),
    ((1.0, -2.0), checks.check_point, "start", np.array([1, -2])),
    ((1.0, 1e300), checks.check_point, "start", [1, 1e300]),
    ((10.0, -10.0), checks.check_point, "start", (10, -10), 10.0),
    (None, checks.check_choice, "second", "dice", iter(CHOICES)),
    (None, checks.check_name, "module", "head", NAMES),
    (frozenset({"head"}), checks.some_names, "head", "none"),
    (frozenset(NAMES), checks.some_names, iter(NAMES), "none"),
    (None, checks.check_type, "weights", LAMBDAS, Mapping | None, "a dict or None"),
    (None, checks.check_type, "weights", None, Mapping | None, "a dict or None"),
    (None, checks.check_function, "make", len, "seed -> Task"),
    (LOSSES, checks.check_answer, LOSSES, None),
    (LOSSES, checks.check_answer, LOSSES, {"task": 1.0, "later": 0.0}),
    ({"task": ONE}, checks.check_scalars, LOSSES),
    (None, checks.check_finite, {"the loss": 1.0}, 3),
    (None, checks.check_parts, [1, 2], "inputs", "labels"),
    (None, checks.check_tensor, "images", IMAGES, "float", ("B", 3, "H", "W")),
    (None, checks.check_tensor, "labels", NONE, torch.int64, ("k",)),
    (None, checks.check_labels, "labels", torch.tensor([0, 9]), 0, 9),
    (None, checks.check_labels, "labels", NONE, 0, 9),
    (None, checks.check_range, "images", IMAGES - 3),
    (None, checks.check_in_pixels, "boxes", [boxes(), boxes((0, 0, 1, 1), (0, 0, 5, 2))]),
    (None, checks.check_in_pixels, "boxes", [boxes()]),
    (None, checks.check_boxes, "boxes", boxes((0, 0, 6, 8), (1, 2, 3, 4)), 8, 6),
    ("'body', 'head'", checks.listed, NAMES),
    ("none", checks.listed, ()),
]


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case[1].__name__)
def test_what_is_right_is_accepted(case):
    expected, check, *arguments = case
    answer = check(*arguments)
    assert answer == expected and type(answer) is type(expected)


def test_the_tensors_of_a_batch_are_found_however_it_is_nested():
    array = np.ones(2, np.float32)
    first, second = checks.tensors_of({"a": [ONE, ("text", array, np.array(["text"]))], "b": None})
    assert first is ONE and torch.equal(second, TWO)


REFUSED = [  # what it says, and how it is called
    *(
        (f"λ must be a finite number ≥ 0, got {value!r}", checks.check_number, "λ", value)
        for value in (-1, NAN, INF, 10**400, "1", None, True)
    ),
    ("share must be a number from 0 to 1, got 1.5", checks.check_number, "share", 1.5, 1),
    ("share must be a number from 0 to 1, got nan", checks.check_number, "share", NAN, 1),
    ("σ must be a finite number > 0, got 0", checks.check_positive, "σ", 0),
    ("σ must be a finite number > 0, got nan", checks.check_positive, "σ", NAN),
    *(
        (f"seeds must be a whole number ≥ 1, got {value!r}", checks.check_count, "seeds", value, 1)
        for value in (0, 1.0, "1", True, None)
    ),
    ("size must be a whole number from 2 to 4, got 5", checks.check_count, "size", 5, 2, 4),
    *(
        (f"start must be two finite numbers, got {value!r}", checks.check_point, "start", value)
        for value in (1, (1,), (1, 2, 3), "12", {1, 2}, None, (1, True), (1, "2"), (NAN, 1), (1, INF), [[1, 2], 3])
    ),
    *(
        (f"start must be two finite numbers from -10 to 10, got {value!r}", checks.check_point, "start", value, 10.0)
        for value in ((1, 10.5), (-11, 0), (1, NAN))
    ),
    ("second must be one of 'iou', 'dice', got 'box'", checks.check_choice, "second", "box", CHOICES),
    ("no module is named 'hed'; there are 'body', 'head'!", checks.check_name, "module", "hed", NAMES, "!"),
    ("no module is named 1; there are none", checks.check_name, "module", 1, ()),
    ("name at least one", checks.some_names, [], "name at least one"),
    ("weights must be a dict or None, got list", checks.check_type, "weights", [], Mapping | None, "a dict or None"),
    ("a budget must be an int, got '3'; 3 is one", checks.check_type, "a budget", "3", int, "an int", "; 3 is one"),
    ("make must be a function, seed -> Task, got int!", checks.check_function, "make", 3, "seed -> Task", "!"),
    ("a task's losses must answer a dict of name -> scalar tensor, got Tensor", checks.check_answer, ONE, LAMBDAS),
    ("a task's losses must answer a dict of name -> scalar tensor, got dict", checks.check_answer, {}, None),
    (
        "task.weights must name every loss: it names 'task', the losses are 'later', 'task'",
        checks.check_answer,
        LOSSES,
        LAMBDAS,
    ),
    ("the loss 'task' must be a scalar tensor, got shape (2,)", checks.check_scalars, {"task": TWO}),
    ("the loss 'task' must be a scalar tensor, got float", checks.check_scalars, {"task": 1.0}),
    ("a batch is (inputs, labels), got Tensor", checks.check_parts, TWO, "inputs", "labels"),
    ("a batch is (inputs, labels), got list of 3", checks.check_parts, [1, 2, 3], "inputs", "labels"),
    (
        "images must be float (B, 3, H, W), got float32 (4, 3, 8)",
        checks.check_tensor,
        "images",
        IMAGES[..., 0],
        "float",
        ("B", 3, "H", "W"),
    ),
    (
        "images must be float (B, 3), none of them 0, got float32 (0, 3)",
        checks.check_tensor,
        "images",
        torch.zeros(0, 3),
        "float",
        ("B", 3),
    ),
    ("labels must be int64 (k,), got float32 (2,)", checks.check_tensor, "labels", TWO, torch.int64, ("k",)),
    ("labels must be int64 (k,), got list", checks.check_tensor, "labels", [1], torch.int64, ("k",)),
    ("labels must be in 0 … 9, got 10!", checks.check_labels, "labels", torch.tensor([3, 10]), 0, 9, "!"),
    ("labels must be in 0 … 9, got -1", checks.check_labels, "labels", torch.tensor([-1, 3]), 0, 9),
    (
        "images must be floats of 0 … 1, got 255, the largest here: divide by 255",
        checks.check_range,
        "images",
        IMAGES + 255,
    ),
    (
        "images must be floats of 0 … 1, got 300, the largest here: divide by the largest that there can be",
        checks.check_range,
        "images",
        IMAGES + 300,
    ),
    (
        "boxes must be in pixels, got 0.5, the largest here: multiply x by the image's width and y by its height",
        checks.check_in_pixels,
        "boxes",
        [boxes(), boxes((0, 0, 0.25, 0.5))],
    ),
    *(
        (
            f"boxes must lie in the image and have an area, 0 ≤ x1 < x2 ≤ 6 and 0 ≤ y1 < y2 ≤ 8, got {box}",
            checks.check_boxes,
            "boxes",
            boxes((0, 0, 6, 8), box),
            8,
            6,
        )
        for box in [(0.0, 0.0, 7.0, 8.0), (0.0, 0.0, 6.0, 9.0), (-1.0, 0.0, 6.0, 8.0), (2.0, 0.0, 2.0, 8.0), (NAN,) * 4]
    ),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case[1].__name__)
def test_what_is_wrong_is_refused_in_these_words(case):
    words, check, *arguments = case
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        check(*arguments)


@pytest.mark.parametrize("value", [NAN, INF])
def test_what_is_not_finite_has_an_error_of_its_own(value):
    with pytest.raises(checks.NonFiniteError, match=f"^step 3: the loss is {value}; no weight was changed$"):
        checks.check_finite({"the rest": 1.0, "the loss": value}, 3)


@pytest.mark.parametrize("batch", [None, (WITH_NAN, "a name"), [{"boxes": torch.zeros(0, 4)}, WITH_NAN.numpy()], TWO])
def test_batches_of_any_form_are_the_same_as_themselves(batch):
    checks.check_repeats(lambda number: batch)


@pytest.mark.parametrize(
    "other", [TWO.clone().fill_(2), TWO.double(), TWO[:1], WITH_NAN, WITH_NAN.numpy(), None, (TWO, TWO)]
)
def test_a_batch_that_differs_when_asked_for_again_is_refused(other):
    answers = iter([[TWO, {"a": TWO}], [TWO, {"a": other}]])
    with pytest.raises(ValueError, match="batch 0 was asked for twice"):
        checks.check_repeats(lambda number: next(answers))
