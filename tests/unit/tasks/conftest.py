"""The task that a file of tests is about."""

import pytest


@pytest.fixture
def task(request):
    """A fresh one each time, from seed 0: what the `load` of the test's file makes."""
    return request.module.load(seed=0)


@pytest.fixture
def both(request):
    """The same of segmentation, with its second task."""
    return request.module.load(seed=0, second="boxes")
