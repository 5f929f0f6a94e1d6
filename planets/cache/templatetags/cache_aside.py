"""`{% cached %}` and `{% if_late %}`; and for the layer's own pages, how things are worded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlparse
from django import template
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.utils.functional import Promise
from django.utils.safestring import SafeString

from ..fragments import fragment
from ..instruments import wording
from ..outside import Used
from ..pages.notice import notice
from ..reading.late import Late, late

register = template.Library()
register.filter("size", wording.size)
register.filter("span", wording.span)
register.filter("share", wording.share)
register.filter("rate", wording.rate)


@register.filter
def formatted_sql(sql: str) -> str:
    """The statement over several lines."""
    return str(sqlparse.format(sql, reindent=True, keyword_case="upper"))


@register.tag
def cached(parser: Parser, token: Token) -> CachedNode:
    """`{% cached "name" vary ... ttl=60 %} ... {% endcached %}`, with `max_stale=` and such.

    What is between is kept until something that it reads is written. What follows the name is what
    else it depends on: each variable from outside that it uses must be there, by itself and as a
    number, a text, a date or such. Querysets that are not evaluated yet are read inside, and need
    not. A fragment that uses any other variable is not stored, and the event says which.
    """
    tag, *bits = token.split_contents()
    options: dict[str, FilterExpression] = {}
    while bits and "=" in bits[-1]:
        options |= token_kwargs([bits.pop()], parser)
    if not bits or options.keys() - {"ttl", *Late._fields}:
        raise template.TemplateSyntaxError(
            f"{tag!r} takes a name, what it varies by, and ttl=, max_stale= and "
            f"stale_if_error= seconds, not {token.contents!r}"
        )
    name, *vary = map(parser.compile_filter, bits)
    nodes = parser.parse(("endcached",))
    parser.delete_first_token()
    return CachedNode(nodes, name, vary, options)


@register.tag
def if_late(parser: Parser, token: Token) -> IfLateNode:
    """`{% if_late %} ... {% endif_late %}`: shown where a page is served as it was before the
    database went away. Otherwise it is a comment of the page: put nothing secret there.
    """
    nodes = parser.parse(("endif_late",))
    parser.delete_first_token()
    return IfLateNode(nodes)


class IfLateNode(template.Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: template.Context) -> SafeString:
        return notice(self.nodelist.render(context))


class CachedNode(template.Node):
    def __init__(
        self,
        nodelist: NodeList,
        name: FilterExpression,
        vary: Sequence[FilterExpression],
        options: dict[str, FilterExpression],
    ) -> None:
        self.nodelist, self.name, self.vary, self.options = nodelist, name, vary, options
        self.named = frozenset(str(one.token) for one in vary)

    def render(self, context: template.Context) -> str:
        used = Used(context, self.named)

        def render() -> str:
            request = getattr(context, "request", None)
            context.dicts.append(used)
            if request is not None:
                context.request = used.guarded("request", request)  # type: ignore[attr-defined]
            try:
                return self.nodelist.render(context)
            finally:
                context.dicts.pop()
                if request is not None:
                    context.request = request  # type: ignore[attr-defined]

        given = {name: option.resolve(context) for name, option in self.options.items()}
        ttl = given.pop("ttl", None)
        vary = [*(_plain(one.resolve(context)) for one in self.vary), used.contents()]
        name = _plain(str(self.name.resolve(context)))
        return fragment(name, vary, render, ttl=ttl, late=late(**given), refusal=used.refusal)


def _plain(value: Any) -> Any:
    """What is a text in all but its type."""
    # A safe text is the same text; str() of one is safe again.
    return str.__str__(str(value)) if isinstance(value, (str, Promise)) else value
