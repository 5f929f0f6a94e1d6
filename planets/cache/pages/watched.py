"""Parts of a request that tell what is read of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


class Watched(dict[str, Any]):
    """A dict that notes which personal names are asked for, or all where it is read as a whole."""

    def __init__(
        self,
        values: dict[str, Any],
        personal: Callable[[object], bool],
        note: Callable[[object], None],
    ) -> None:
        super().__init__(values)
        self._personal, self._note_name = personal, note

    def _note(self, name: object) -> None:
        if self._personal(name):
            self._note_name(name)

    def _note_all(self) -> None:
        for name in super().__iter__():
            self._note(name)

    def setdefault(self, name: str, default: Any = None) -> Any:
        self._note(name)
        return super().setdefault(name, default)

    def __reduce_ex__(self, protocol: Any) -> Any:
        self._note_all()
        return dict, (dict.copy(self),)


def _of_one(method: str) -> Any:
    """Asks for one name, its first argument."""
    original = getattr(dict, method)

    def asked(self: Watched, name: Any, *args: Any) -> Any:
        self._note(name)
        return original(self, name, *args)

    return asked


def _of_all(method: str) -> Any:
    """Reads the whole. It is personal even where nothing is in it."""
    original = getattr(dict, method)

    def asked(self: Watched, *args: Any) -> Any:
        self._note("any")
        self._note_all()
        return original(self, *args)

    return asked


for _name in ("__getitem__", "get", "__contains__", "pop"):
    setattr(Watched, _name, _of_one(_name))
for _name in (
    *("__iter__", "__len__", "__reversed__", "__eq__", "__ne__", "__or__", "__ror__", "__repr__"),
    *("items", "keys", "values", "copy", "popitem"),
):
    setattr(Watched, _name, _of_all(_name))


class Headers:
    """request.headers over a Watched: names in any case."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._names = {name.lower(): name for name in dict.keys(watched)}

    def _name(self, name: object) -> str:
        told = str(name).replace("_", "-")
        return self._names.get(told.lower(), told)

    def __getitem__(self, name: str) -> Any:
        return self._watched[self._name(name)]

    def get(self, name: str, default: Any = None) -> Any:
        return self._watched.get(self._name(name), default)

    def __contains__(self, name: object) -> bool:
        return self._name(name) in self._watched

    def __iter__(self) -> Iterator[str]:
        return iter(self._watched)

    def __len__(self) -> int:
        return len(self._watched)

    def __eq__(self, other: object) -> bool:
        return bool(self._watched == other)

    __hash__ = None  # type: ignore[assignment]  # as of any mapping

    def items(self) -> Any:
        return self._watched.items()

    def keys(self) -> Any:
        return list(iter(self._watched))

    def values(self) -> Any:
        return self._watched.values()

    def __repr__(self) -> str:
        return repr(self._watched)
