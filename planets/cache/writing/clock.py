"""Where MySQL reads the clock though no function says so.

It makes a date of a TIME by taking today's: in CAST(opens AS DATETIME), DATE(opens), made > opens,
COALESCE(opens, made), a UNION of both. So a TIME may stand only where nothing could make a date of
it. Which columns are TIMEs the models tell; of a table that no model tells of, any may be one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from django.apps import apps
from sqlglot import exp

from .columns import OTHER, TIME, columns_by_table

# What gives a TIME for sure, and what may give one or a date. Django writes TIME() for TruncTime.
GIVES_TIME = frozenset("MAKETIME SEC_TO_TIME TIME TIMEDIFF".split())
MAY_GIVE_TIME = GIVES_TIME | frozenset("ADDTIME STR_TO_DATE SUBTIME".split())
# What takes of a TIME nothing but the time.
TAKES_TIME = frozenset(
    "ADDTIME COUNT HOUR MICROSECOND MINUTE SECOND SUBTIME TIME TIMEDIFF TIME_FORMAT "
    "TIME_TO_SEC".split()
)
TAKES_DATE = re.compile(
    r"\b(ADDDATE|CONVERT_TZ|DATE|DATEDIFF|DATE_ADD|DATE_FORMAT|DATE_SUB|DAY|DAYNAME|DAYOFMONTH"
    r"|DAYOFWEEK|DAYOFYEAR|EXTRACT|LAST_DAY|MONTH|MONTHNAME|QUARTER|SUBDATE|TIMESTAMP|TIMESTAMPADD"
    r"|TIMESTAMPDIFF|TO_DAYS|TO_SECONDS|UNIX_TIMESTAMP|WEEK|WEEKDAY|WEEKOFYEAR|YEAR|YEARWEEK)\("
    r"|\bAS (DATE|DATETIME|TIMESTAMP)\b|\b(INTERVAL) "
)
CONSTANTS = (exp.Placeholder, exp.Literal, exp.Null)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ)
PARTS_OF_TIME = frozenset(["HOUR", "MINUTE", "SECOND", "MICROSECOND"])
# Under which the parser keeps a function's name as it was written.
NAME = "name"


class Times(NamedTuple):
    """The names, in lower case, of columns that may be TIMEs, and of those that are for sure."""

    maybe: set[str]
    sure: set[str]


def reads_clock(tree: exp.Query, text: str, tables: frozenset[str]) -> str:
    """Why the statement may give another result tomorrow; "" where it does not."""
    columns = columns_by_table(tuple(apps.get_models(include_auto_created=True)))
    strange = sorted(tables - columns.keys() - {"dual"} - _made_by(tree))
    if strange and (dated := TAKES_DATE.search(text)):
        found = next(filter(None, dated.groups()))
        return f"{found} reads the clock for a TIME, which {strange[0]}, without a model, may have"
    known = [columns[table] for table in tables & columns.keys()]
    times = _times(tree, known, bool(strange))
    if times.maybe and (_hides_columns(tree) or _joins_by(tree, times)):
        return "it may compare a TIME with a date, for which MySQL reads the clock"
    for node in tree.walk():
        if _is_time(node, times) and not _stays_time(node, tree, times):
            return f"it may make a date of {node.sql('mysql')}, for which MySQL reads the clock"
    return ""


def _made_by(tree: exp.Query) -> set[str]:
    """The tables that the statement itself makes."""
    return {cte.alias.lower() for cte in tree.find_all(exp.CTE)}


def _times(tree: exp.Query, known: list[dict[str, str]], strange: bool) -> Times:
    """Under which names TIMEs are found, be they columns of tables or called so by the query."""
    kinds: dict[str, set[str]] = {}
    for columns in known:
        for column, kind in columns.items():
            kinds.setdefault(column, set()).add(kind)
    maybe = {column for column, found in kinds.items() if found != {OTHER}}
    sure = {column for column, found in kinds.items() if found == {TIME} and not strange}
    times = Times(maybe, sure)
    aliases = list(tree.find_all(exp.Alias))
    size = -1
    while size != len(maybe):  # one may be called by another's name
        size = len(maybe)
        maybe |= {alias.alias.lower() for alias in aliases if _is_time(alias.this, times)}
    sure -= {alias.alias.lower() for alias in aliases}
    return times


def _is_time(node: exp.Expr, times: Times, *, surely: bool = False) -> bool:
    """Whether it may be a TIME; `surely`: whether it is nothing else."""
    while isinstance(node, exp.Paren | exp.Min | exp.Max):
        node = node.this
    if isinstance(node, exp.Column):
        return node.name.lower() in (times.sure if surely else times.maybe)
    if isinstance(node, exp.Cast):
        return bool(node.to.this == exp.DataType.Type.TIME)
    return _called(node) in (GIVES_TIME if surely else MAY_GIVE_TIME)


def _called(node: exp.Expr) -> str:
    """The name of a function as it was written; "" where it is none, or has words of its own."""
    name = node.name if isinstance(node, exp.Anonymous) else node.meta.get(NAME, "")
    return str(name).upper()


def _stays_time(node: exp.Expr, root: exp.Query, times: Times) -> bool:
    """Whether a TIME stands where nothing makes a date of it."""
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Alias | exp.Min | exp.Max):
        node, parent = parent, parent.parent
    if isinstance(parent, exp.Select):
        return node.arg_key == "expressions" and _is_selected_as_time(node, parent, root, times)
    if isinstance(parent, exp.Ordered | exp.Group | exp.Is | exp.Like | exp.Count):
        return True
    if isinstance(parent, COMPARISONS):
        other = parent.expression if node.arg_key == "this" else parent.this
        return isinstance(other, CONSTANTS) or all(
            _is_time(side, times, surely=True) for side in (node, other)
        )
    if isinstance(parent, exp.In | exp.Between):
        others = [part for part in parent.iter_expressions() if part is not node]
        return node.arg_key == "this" and all(isinstance(part, CONSTANTS) for part in others)
    if isinstance(parent, exp.Extract):
        return parent.name.upper() in PARTS_OF_TIME
    return _called(parent) in TAKES_TIME if parent else False


def _is_selected_as_time(node: exp.Expr, select: exp.Select, root: exp.Query, times: Times) -> bool:
    """Whether it is a column of the result that is a TIME in all branches of a UNION."""
    whole: exp.Expr = select
    while whole is not root and isinstance(whole.parent, exp.SetOperation | exp.Subquery):
        if isinstance(whole.parent, exp.Subquery) and whole.parent.alias:
            break
        whole = whole.parent
    branches, place = _branches(whole), node.index or 0
    for branch in branches if len(branches) > 1 else ():
        found = branch.expressions[place : place + 1]
        if not (found and _is_time(found[0].unalias(), times, surely=True)):
            return False
    named = isinstance(node, exp.Column | exp.Alias)
    return whole is root or (named and _keeps_names(whole))


def _branches(query: exp.Expr) -> list[exp.Expr]:
    if isinstance(query, exp.SetOperation):
        return _branches(query.this) + _branches(query.expression)
    return _branches(query.this) if isinstance(query, exp.Subquery) else [query]


def _keeps_names(query: exp.Expr) -> bool:
    """Whether it stands where a table could, so that its columns are found by name elsewhere."""
    within = query.parent
    if isinstance(within, exp.CTE):
        return not within.args["alias"].columns
    return isinstance(within, exp.Subquery) and isinstance(within.parent, exp.From | exp.Join)


def _hides_columns(tree: exp.Query) -> bool:
    """Whether columns without a name meet others, or are named elsewhere."""
    return any(
        isinstance(star.parent, exp.Select | exp.Column)
        and star.find_ancestor(exp.Select) is not tree.unnest()
        for star in tree.find_all(exp.Star)
    )


def _joins_by(tree: exp.Query, times: Times) -> bool:
    return any(
        str(join.method).upper() == "NATURAL"
        or any(column.name.lower() in times.maybe for column in join.args.get("using") or ())
        for join in tree.find_all(exp.Join)
    )
