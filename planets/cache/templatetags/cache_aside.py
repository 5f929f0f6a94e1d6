"""`{% cached %}`, and `instruments.wording` and the layout of SQL for the layer's own pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlparse
from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.utils.functional import Promise, SimpleLazyObject

from ..fragments import fragment
from ..instruments import wording

register = template.Library()
register.filter("size", wording.size)
register.filter("span", wording.span)
register.filter("share", wording.share)

# What a template knows of its visitor. Where one of these is read inside of {% cached %} and not
# among what it varies by, the fragment is its visitor's own.
OF_VISITOR = ("request", "user", "perms", "messages", "csrf_token")


@register.filter
def formatted_sql(sql: str) -> str:
    """The statement over several lines."""
    return str(sqlparse.format(sql, reindent=True, keyword_case="upper"))


@register.tag
def cached(parser: Parser, token: Token) -> CachedNode:
    """`{% cached "name" vary ... ttl=60 %} ... {% endcached %}`

    What is between is kept until something that it reads is written. What follows the name is what
    else it depends on; variables of its context that are not read from the database must be there.
    """
    tag, *bits = token.split_contents()
    options: dict[str, FilterExpression] = {}
    while bits and "=" in bits[-1]:
        options |= token_kwargs([bits.pop()], parser)
    if not bits or options.keys() - {"ttl"}:
        raise template.TemplateSyntaxError(
            f"{tag!r} takes a name, what it varies by, and ttl=seconds, not {token.contents!r}"
        )
    name, *vary = map(parser.compile_filter, bits)
    nodes = parser.parse(("endcached",))
    parser.delete_first_token()
    return CachedNode(nodes, name, vary, options.get("ttl"))


class CachedNode(template.Node):
    def __init__(
        self,
        nodelist: NodeList,
        name: FilterExpression,
        vary: Sequence[FilterExpression],
        ttl: FilterExpression | None,
    ) -> None:
        self.nodelist, self.name, self.vary, self.ttl = nodelist, name, vary, ttl
        roots = {str(one.token).split("|")[0].split(".")[0] for one in vary}
        self.guarded = [name for name in OF_VISITOR if name not in roots]

    def render(self, context: template.Context) -> str:
        read: list[str] = []
        guards = {
            name: _guard(name, context[name], read) for name in self.guarded if name in context
        }

        def render() -> str:
            with context.push(**guards):
                return self.nodelist.render(context)

        def refusal() -> str:
            return f"it reads {read[0]!r}, which it does not vary by" if read else ""

        ttl = self.ttl.resolve(context) if self.ttl else None
        vary = [_plain(one.resolve(context)) for one in self.vary]
        name = str(self.name.resolve(context))
        return fragment(name, vary, render, ttl=ttl, refusal=refusal)


def _guard(name: str, value: Any, read: list[str]) -> SimpleLazyObject:
    """A variable of the context that notes when it is read."""

    def noted() -> Any:
        read.append(name)
        return value

    return SimpleLazyObject(noted)


def _plain(value: Any) -> Any:
    """What is a text in all but its type."""
    return str(value) if isinstance(value, (str, Promise)) else value
