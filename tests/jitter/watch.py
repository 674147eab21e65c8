"""In a notebook's kernel: keep each number that a cell prints by an f-string or compares in a print().

For tests/margins.py.
"""

import ast
import json
import operator

import numpy as np

COMPARE = {"Lt": operator.lt, "LtE": operator.le, "Gt": operator.gt, "GtE": operator.ge}
seen: list[list] = []  # [line, source, format or None, number]: of a comparison, left minus right


def install(shell) -> None:
    """Rewrite each cell before it runs. shell: what get_ipython() answers."""
    shell.user_ns.update(_watch_format=_format, _watch_compare=_compare)
    shell.ast_transformers.append(_Watch())


def taken() -> str:
    """What was seen since the last call, as JSON."""
    text = json.dumps(seen)
    seen.clear()
    return text


class _Watch(ast.NodeTransformer):
    printing = False

    def visit_Call(self, node):
        outer = self.printing
        self.printing = outer or (isinstance(node.func, ast.Name) and node.func.id == "print")
        self.generic_visit(node)
        self.printing = outer
        return node

    def visit_FormattedValue(self, node):
        where = _where(node, node.value)
        self.generic_visit(node)
        if node.conversion == -1:  # no !r and the like
            node.value = _call("_watch_format", where, node.value, node.format_spec or ast.JoinedStr([]))
        return node

    def visit_Compare(self, node):
        where, kind = _where(node, node), type(node.ops[0]).__name__
        self.generic_visit(node)
        if not self.printing or len(node.ops) > 1 or kind not in COMPARE:
            return node
        return _call("_watch_compare", where, node.left, ast.Constant(kind), node.comparators[0])


def _where(node: ast.expr, named: ast.expr) -> list[ast.expr]:
    return [ast.Constant(node.lineno), ast.Constant(ast.unparse(named))]


def _call(function: str, where: list[ast.expr], *arguments: ast.expr) -> ast.expr:
    call = ast.Call(ast.Name(function, ast.Load()), [*where, *arguments], [])
    return ast.fix_missing_locations(ast.copy_location(call, arguments[0]))


def _format(line, source, value, spec):
    numbers = None if isinstance(value, (int, str)) else _numbers(value)
    if numbers is not None and numbers.size == 1:
        seen.append([line, source, spec, float(numbers[0])])
    return value


def _compare(line, source, left, kind, right):
    a, b = _numbers(left), _numbers(right)
    if a is not None and b is not None and (a.size == b.size or 1 in (a.size, b.size)) and not _whole(left, right):
        apart = a - b
        if (apart > 0).all() or (apart < 0).all():  # a verdict; a mixture is a choice, as in x[x > 3]
            seen.append([line, source, None, float(min(apart, key=abs))])
    return COMPARE[kind](left, right)


def _whole(*values) -> bool:
    return all(isinstance(value, int) for value in values)


def _numbers(value) -> np.ndarray | None:
    """(n,), if these are finite numbers."""
    try:
        numbers = np.asarray(value.detach() if hasattr(value, "detach") else value, dtype=float).ravel()
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size and np.isfinite(numbers).all() else None
