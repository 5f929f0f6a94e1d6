"""Whether a SELECT names every column that it reads: what is known to, and nothing else.

A `*`, NATURAL, TABLE and what a server may come to have beside them read columns that no word of
the statement names. So a statement is believed to read only what it names where each node of its
tree is one of these, in a place where it is known to do so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlglot import exp

PLAIN = frozenset(
    getattr(exp, name)
    for name in (
        "Add All And Any Between BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr "
        "BitwiseRightShift BitwiseXor Boolean Collate DPipe DataType DataTypeParam Distinct Div "
        "EQ Escape Filter From GT GTE Glob Group Having HexString In IntDiv Interval Is JSONPath "
        "JSONPathRoot LT LTE Like Limit Literal Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ "
        "Offset Or Order Ordered Paren Placeholder Sub Subquery Tuple Var Where Window WindowSpec "
        "CTE Except Intersect Select TableAlias Union With"
    ).split()
)
# They make rows of what they are given, or take a whole row.
ROW_FUNCTIONS = (exp.JSONTable, exp.Unnest, exp.Explode, exp.NextValueFor, exp.Struct, exp.Columns)
# Bare, none of these names a column or a table: so the parser has taken it for what it is not. The
# last are a row's number, by whatever name.
NO_NAMES = frozenset(
    "FOR NATURAL PARTITION PROCEDURE ROW ROWS SYSTEM_TIME TABLE VALUES "
    "OID ROWID _ROWID _ROWID_".split()
)


def names_its_columns(tree: exp.Expr) -> bool:
    """Whether it reads no column but those that it names."""
    nodes = list(tree.walk())
    return all(map(_is_plain, nodes)) and not _has_whole_rows(nodes)


def _has_whole_rows(nodes: Sequence[exp.Expr]) -> bool:
    """A table's name in place of a column's: some servers take it for the row, or for all of it."""
    tables = {node.alias_or_name.upper() for node in nodes if type(node) is exp.Table}
    bare = (node for node in nodes if type(node) is exp.Column and not node.table)
    return any(node.name.upper() in tables for node in bare)


def _is_plain(node: exp.Expr) -> bool:
    if special := SPECIAL.get(type(node)):
        return special(node)
    return type(node) in PLAIN or (
        isinstance(node, exp.Func) and not isinstance(node, ROW_FUNCTIONS)
    )


def _has(node: exp.Expr, *names: str) -> bool:
    """Whether nothing but these stands in it."""
    return all(name in names for name, value in node.args.items() if value)


def _star(node: exp.Expr) -> bool:
    """COUNT(*) counts rows."""
    return type(node.parent) is exp.Count and _has(node)


def _alias(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def _identifier(node: exp.Expr) -> bool:
    return bool(node.args.get("quoted")) or node.name.upper() not in NO_NAMES


def _column(node: exp.Expr) -> bool:
    return _has(node, "this", "table") and isinstance(node.this, exp.Identifier)


def _table(node: exp.Expr) -> bool:
    return _has(node, "this", "alias", "joins")


def _join(node: exp.Expr) -> bool:
    return _has(node, "this", "side", "kind", "on", "using")


SPECIAL: dict[type[exp.Expr], Callable[[exp.Expr], bool]] = {
    exp.Star: _star,
    exp.Alias: _alias,
    exp.Identifier: _identifier,
    exp.Column: _column,
    exp.Table: _table,
    exp.Join: _join,
}
