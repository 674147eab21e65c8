"""Strict notebooks: a committed code cell that was never run fails.

nbval runs such a cell and, finding no output to compare with, passes it. Widget views need no rule: nbval
leaves the key application/vnd.jupyter.widget-view+json out of its comparison on both sides and compares the
text/plain beside it.
"""

import pytest
from nbval.plugin import IPyNbCell, NbCellError


@pytest.hookimpl(trylast=True)  # after the cell itself, so that the cells below it find its names
def pytest_runtest_call(item):
    """Fail a notebook's cell that has source but no execution_count."""
    if isinstance(item, IPyNbCell) and item.cell.source.strip() and item.cell.execution_count is None:
        raise NbCellError(
            item.cell_num, "Committed without having been run (no execution_count)", item.cell.source
        )
