"""`instruments.wording`, and the layout of SQL, for templates."""

from __future__ import annotations

import sqlparse
from django import template

from ..instruments import wording

register = template.Library()
register.filter("size", wording.size)
register.filter("span", wording.span)
register.filter("share", wording.share)


@register.filter
def formatted_sql(sql: str) -> str:
    """The statement over several lines."""
    return str(sqlparse.format(sql, reindent=True, keyword_case="upper"))
