"""What a fragment uses of the context around it, and why it may then not be kept for others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Manager, Model, QuerySet
from django.template import Context
from django.utils.functional import LazyObject, SimpleLazyObject, empty

from .storage import keys

# What a template may have of its visitor without showing it: noted where it is looked into.
OF_VISITOR = ("request", "user", "perms", "messages", "csrf_token")
# Which user it is: who varies by this may use all of him.
THE_USER = ("user.id", "user.pk", "request.user.id", "request.user.pk")


class Used(dict[str, Any]):
    """The innermost layer of the context around a fragment: each variable of it is asked for here.

    `vary` are the names that the fragment varies by, as they stand in the tag.
    """

    def __init__(self, context: Context, vary: Iterable[str]) -> None:
        super().__init__()
        self.context, self.vary = context, frozenset(vary)
        self.roots = {name.partition(".")[0] for name in self.vary}
        self.personal: list[str] = []
        of_user = not self.vary.isdisjoint(THE_USER)
        for name in OF_VISITOR:
            if name in context and not (of_user and name in ("user", "perms")):
                self[name] = self.guarded(name, context[name])

    def guarded(self, name: str, value: Any) -> SimpleLazyObject:
        """A variable that notes when it is looked into."""

        def noted() -> Any:
            self.personal.append(name)
            return value

        return SimpleLazyObject(noted)

    def __contains__(self, name: object) -> bool:
        if dict.__contains__(self, name):
            return True
        for layer in reversed(self.context.dicts[1:]):  # the first has True, False and None
            if layer is not self and name in layer:
                if not self._told_by_vary(str(name), layer[name]):
                    self.personal.append(str(name))
                break
        return False

    def _told_by_vary(self, name: str, value: Any) -> bool:
        if name in self.vary or (name in OF_VISITOR and not dict.__contains__(self, name)):
            return True
        if isinstance(value, Model):
            return name in self.roots  # its values are in the key
        if isinstance(value, QuerySet):
            return value._result_cache is None
        return isinstance(value, Manager)

    def contents(self) -> tuple[Any, ...]:
        """All values of the instances that it varies by: they were read before, and may be old."""
        found = [self.context.get(name) for name in sorted(self.roots - self.keys())]
        return tuple(_values(value, set()) for value in map(_unwrapped, found) if is_row(value))

    def refusal(self) -> str:
        if not self.personal:
            return ""
        return f"it uses {self.personal[0]!r} of the context around it, which it does not vary by"


def is_row(value: Any) -> bool:
    return isinstance(value, Model)


def _unwrapped(value: Any) -> Any:
    if not isinstance(value, LazyObject):
        return value
    if vars(value)["_wrapped"] is empty:
        value._setup()
    return vars(value)["_wrapped"]


def _values(row: Any, above: set[int]) -> tuple[Any, ...]:
    """What an instance holds: its columns, and the rows that were fetched along with it."""
    if id(row) in above:
        return ()
    above = {*above, id(row)}
    own = [
        (name, value if type(value) in keys.TELLING else repr(value))
        for name, value in sorted(vars(row).items())
        if not name.startswith("_")
    ]
    joined = [
        (name, _values(value, above))
        for name, value in sorted(row._state.fields_cache.items())
        if is_row(value)
    ]
    lists = [
        (name, *(_values(each, above) for each in found if is_row(each)))
        for name, found in sorted(getattr(row, "_prefetched_objects_cache", {}).items())
    ]
    return (row._meta.label, *own, *joined, *lists)
