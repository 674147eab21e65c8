"""Applications by name."""

import pytest

from jointopt import tasks


def test_a_task_is_found_by_its_file():
    assert "classification" in tasks.names()
    with pytest.raises(ValueError, match="no task is named 'clasification'; there are 'classification'"):
        tasks.load("clasification")
    options = "'data', 'held_out', 'labels', 'network', 'reg', 'size', 'weights'"
    with pytest.raises(ValueError, match=f"has no option 'sise'; it has {options}"):
        tasks.load("classification", sise=3)
    with pytest.raises(ValueError, match="no data set is named 'digit'"):
        tasks.load("classification", data="digit")
