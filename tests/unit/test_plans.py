"""Each plan, written out."""

from itertools import islice

import pytest

from jointopt import Update, plans

A, B, BOTH = Update("a"), Update("b"), Update()


def test_plans_written_out():
    assert list(plans.joint(3)) == [BOTH] * 3
    assert list(plans.staged((A, 2), (B, 3))) == [A, A, B, B, B]
    assert list(plans.alternating(A, B, steps=5)) == [A, B, A, B, A]
    assert list(plans.unfreeze(["b", "a"], every=2, steps=5)) == [B, B, *[Update(["a", "b"])] * 3]
    assert list(plans.lp_ft("b", 2, 5)) == [B, B, BOTH, BOTH, BOTH]


def test_plans_without_end():
    assert list(islice(plans.joint(), 1000)) == [BOTH] * 1000
    assert list(islice(plans.staged((A, 1), (B, None)), 4)) == [A, B, B, B]
    assert list(islice(plans.alternating(A, B), 3)) == [A, B, A]
    assert list(islice(plans.unfreeze(["b", "a"], every=1), 3)) == [B, Update(["a", "b"]), Update(["a", "b"])]
    assert list(islice(plans.lp_ft("b", 1), 3)) == [B, BOTH, BOTH]


def test_an_update_is_a_value():
    assert Update("a") == Update(["a"]) == Update({"a"}) and hash(Update("a")) == hash(Update(["a"]))


@pytest.mark.parametrize("n", [0, -1, 2.5, "3", True])
def test_a_bad_number_of_steps_is_refused_at_once(n):
    for plan in (
        lambda: plans.joint(n),
        lambda: plans.staged((A, n)),
        lambda: plans.alternating(A, steps=n),
        lambda: plans.unfreeze(["a"], every=n),
        lambda: plans.lp_ft("a", n, 10),
    ):
        with pytest.raises(ValueError, match="whole number ≥ 1, got"):
            plan()


def test_empty_plans_are_refused():
    with pytest.raises(ValueError, match="at least one Update"):
        plans.alternating()
    for stages in ((), (A,), (A, B)):
        with pytest.raises(ValueError, match="pairs"):
            plans.staged(*stages)
    with pytest.raises(ValueError, match="names of the modules"):
        plans.unfreeze([], every=2)
    with pytest.raises(ValueError, match="steps > head_steps"):
        plans.lp_ft("head", 5, 5)
