"""Which rows and columns an UPDATE or DELETE of one table changes: the primary keys that every row
must have, and the columns that are set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from .statement import PrimaryKeys

# Nothing else may stand in the condition. Of these, servers and parser are of one mind which binds
# closer; of XOR, for one, they are not.
PLAIN = (
    *(exp.And, exp.Or, exp.Not, exp.Paren, exp.In, exp.Is, exp.Null, exp.Boolean),
    *(exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE),
    *(exp.Column, exp.Identifier, exp.Literal, exp.Placeholder, exp.Tuple),
)


# A name that stands in the words as it was written.
CERTAIN = re.compile(r"\w+", re.ASCII)


def primary_keys(tree: exp.Update | exp.Delete) -> tuple[PrimaryKeys, ...]:
    """Each `column = value` and `column IN (values)` that holds for all rows that are changed."""
    where = tree.args.get("where")
    table = tree.this
    if where is None or not isinstance(table, exp.Table) or _joins(tree):
        return ()
    if any(type(node) not in PLAIN for node in where.this.walk()):
        return ()
    owners = {"", table.alias_or_name.lower()}
    changed = {
        item.this.name.lower()
        for item in tree.args.get("expressions") or ()
        if isinstance(item, exp.EQ)
    }
    found = []
    for condition in _conjuncts(where.this):
        values = _values(condition)
        column = condition.this
        if not values or not isinstance(column, exp.Column):
            continue
        if column.table.lower() not in owners or column.name.lower() in changed:
            continue
        if all(isinstance(value, exp.Placeholder) for value in values):
            positions = tuple(int(value.name[1:]) for value in values)
            found.append(PrimaryKeys(column.name.lower(), (), positions))
        elif all(isinstance(value, exp.Literal) and value.is_int for value in values):
            literals = tuple(int(value.name) for value in values)
            found.append(PrimaryKeys(column.name.lower(), literals, ()))
    return tuple(found)


def columns_set(tree: exp.Update | exp.Delete) -> frozenset[str]:
    """The columns that it sets, in lower case; none where it may set others."""
    table = tree.this
    items = tree.args.get("expressions") or ()
    if not isinstance(table, exp.Table) or _joins(tree):
        return frozenset()
    owners = {"", table.alias_or_name.lower()}
    names = set()
    for item in items:
        column = item.this if isinstance(item, exp.EQ) else None
        if not isinstance(column, exp.Column) or column.table.lower() not in owners:
            return frozenset()
        if column.args.get("db") or not CERTAIN.fullmatch(column.name):
            return frozenset()
        names.add(column.name.lower())
    return frozenset(names)


def _joins(tree: exp.Expr) -> bool:
    """Whether anything else stands beside its table, be it the same table again."""
    sources = ("with_", "tables", "using", "from_", "joins", "cluster")
    return any(tree.args.get(name) or tree.this.args.get(name) for name in sources)


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    waiting = [condition]
    while waiting:
        condition = waiting.pop().unnest()
        if isinstance(condition, exp.And):
            waiting += [condition.expression, condition.this]
        else:
            yield condition


def _values(condition: exp.Expr) -> Sequence[exp.Expr]:
    if isinstance(condition, exp.EQ):
        return [condition.expression]
    if isinstance(condition, exp.In) and not condition.args.get("query"):
        return condition.expressions
    return ()
