"""Does the reader still have a name for something?"""

import re
import sys
import weakref
from collections.abc import Iterator

from IPython import get_ipython

DISPLAYED = re.compile(r"_{1,3}|_\d+")  # the names under which IPython keeps what cells displayed


def is_named(reference: weakref.ref) -> bool:
    """True if anything but IPython's memory of what cells displayed (Out, _, _3) holds the object.

    Reference counts are what CPython has for this; what else holds it, a running call included, counts as a name.
    """
    displayed = sum(value is reference() for value in _displayed())
    return _count(reference) > displayed


def _count(reference: weakref.ref) -> int:
    """How many references there are to the object; 0 where there is no object any more."""
    once = set()  # something to which there is one reference
    counting = sys.getrefcount(weakref.ref(once)()) - 1  # what counting adds
    return 0 if reference() is None else sys.getrefcount(reference()) - counting


def _displayed() -> Iterator[object]:
    """What IPython keeps of it, each as often as it does."""
    shell = get_ipython()
    if shell is not None:
        for names in (shell.user_ns, shell.user_ns_hidden, vars(shell.displayhook)):
            yield from [value for name, value in list(names.items()) if DISPLAYED.fullmatch(name)]
        yield from list(shell.user_ns.get("_oh", {}).values())
        yield getattr(shell.last_execution_result, "result", None)
