"""The kinds of nodes that a parsed statement may have, each known to hide no table."""

from __future__ import annotations

from sqlglot import exp

KNOWN = frozenset(
    getattr(exp, name)
    for name in (
        "Add Alias All And Any Between BitwiseAnd BitwiseLeftShift BitwiseNot BitwiseOr "
        "BitwiseRightShift BitwiseXor Boolean Collate Column DPipe DataType DataTypeParam Distinct "
        "Div EQ Escape GT GTE Glob HexString Identifier In IntDiv Interval Is JSONPath "
        "JSONPathRoot LT LTE Like Literal Mod Mul NEQ Neg Not Null NullSafeEQ NullSafeNEQ Or Paren "
        "Placeholder Star Sub Tuple Var "
        "CTE Except Fetch Filter From Group Having Intersect Join Lateral Limit LimitOptions "
        "Offset Order Ordered Partition Rollup Select Subquery Table TableAlias Union Values "
        "Version Where Window WindowSpec With"
    ).split()
)
KNOWN_IN_WRITES = KNOWN | {
    *(exp.Delete, exp.Insert, exp.Lock, exp.OnConflict, exp.Parameter, exp.PropertyEQ),
    *(exp.Returning, exp.Schema, exp.SessionParameter, exp.Update),
}
# Functions hide none, but for these; whose value depends on what, calls.py tells.
MAKE_ROWS = frozenset([exp.JSONTable, exp.Unnest, exp.Explode, exp.NextValueFor])

REASONS: dict[type[exp.Expr], str] = {
    exp.Lock: "it locks rows",
    exp.Into: "it writes INTO something",
}


def unknown(tree: exp.Expr, known: frozenset[type[exp.Expr]]) -> str:
    """Why a node of the tree is not understood; "" where all are."""
    for node in tree.walk():
        kind = type(node)
        if kind not in known and (not isinstance(node, exp.Func) or kind in MAKE_ROWS):
            return REASONS.get(kind, f"its {kind.__name__} is not understood")
    return ""
