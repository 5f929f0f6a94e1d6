"""Any value of plain types as msgpack and back, with the same types: lists, tuples, sets, dicts,
dataclasses, and what a query's rows may hold."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from .codec import DECODERS, EXTENSIONS, INT64, NATIVE
from .envelope import Undecodable, Unencodable

# Extension codes; never reused. Those of codec.EXTENSIONS end below.
TUPLE, SET, FROZENSET, DATACLASS, ZONED = 32, 33, 34, 35, 36
GROUPS: dict[type, int] = {tuple: TUPLE, set: SET, frozenset: FROZENSET}
GROUP_OF: dict[int, Callable[[list[Any]], Any]] = {code: kind for kind, code in GROUPS.items()}


def encode(value: Any) -> bytes:
    """Raises Unencodable for a value that would come back as another."""
    try:
        return _encoder.encode(_plain(value))
    except (RecursionError, OverflowError, ValueError) as error:
        raise Unencodable(str(error)) from error


def decode(data: bytes) -> Any:
    """Raises Undecodable."""
    try:
        return _decoder.decode(data)
    except (
        msgspec.MsgspecError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError,
    ) as error:  # fmt: skip
        raise Undecodable(str(error)) from error


def _plain(value: Any) -> Any:
    kind = type(value)
    if kind in NATIVE and (kind is not int or value in INT64):
        return value
    if kind is list:
        return [_plain(part) for part in value]
    if kind is dict:
        return {_key(key): _plain(part) for key, part in value.items()}
    if kind in GROUPS:
        return _extension(GROUPS[kind], [_plain(part) for part in value])
    if kind is datetime.datetime and type(value.tzinfo) is ZoneInfo and value.tzinfo.key:
        naive = value.replace(tzinfo=None, fold=0).isoformat()
        return _extension(ZONED, [naive, value.fold, str(value.tzinfo)])
    if kind in EXTENSIONS and _told_by_iso(value):
        code, write, _ = EXTENSIONS[kind]
        return msgspec.msgpack.Ext(code, write(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        if _known(kind.__module__, kind.__qualname__) is not kind:
            raise Unencodable(f"the class {kind.__qualname__} cannot be found by its name")
        if getattr(value, "__dict__", {}).keys() - names or not all(
            hasattr(value, n) for n in names
        ):
            raise Unencodable(f"a {kind.__qualname__} has more or less than its fields")
        fields = {name: _plain(getattr(value, name)) for name in names}
        return _extension(DATACLASS, [kind.__module__, kind.__qualname__, fields])
    raise Unencodable(
        f"a value of type {kind.__qualname__} cannot be stored: make it of plain types, as "
        "numbers, texts, dates, lists, dicts and dataclasses are"
    )


def _told_by_iso(value: Any) -> bool:
    """Its time zone, if any, is an offset without a name, and it is no hour's second time."""
    zone = getattr(value, "tzinfo", None)
    if getattr(value, "fold", 0):
        return False
    # A name of its own is in its repr() alone.
    return zone is None or (
        type(zone) is datetime.timezone
        and repr(zone) == repr(datetime.timezone(zone.utcoffset(None)))
    )


def _key(key: Any) -> Any:
    if type(key) in NATIVE and (type(key) is not int or key in INT64):
        return key
    raise Unencodable(f"a dict with a key of type {type(key).__qualname__} cannot be stored")


def _extension(code: int, parts: Any) -> msgspec.msgpack.Ext:
    return msgspec.msgpack.Ext(code, _encoder.encode(parts))


def _read(code: int, data: memoryview) -> Any:
    if code in DECODERS:
        return DECODERS[code](bytes(data).decode())
    parts = _decoder.decode(data)
    if code in GROUP_OF:
        return GROUP_OF[code](parts)
    if code == ZONED:
        naive, fold, zone = parts
        found = datetime.datetime.fromisoformat(naive)
        return found.replace(fold=fold, tzinfo=ZoneInfo(zone))
    if code == DATACLASS:
        return _instance(*parts)
    raise ValueError(f"{code} is no extension of this release")


def _known(module: str, name: str) -> Any:
    """What this process has under a name. It is not imported for this."""
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _instance(module: str, name: str, fields: dict[str, Any]) -> Any:
    """An instance of a dataclass that this process knows. It is not imported for this."""
    found = _known(module, name)
    if not (isinstance(found, type) and dataclasses.is_dataclass(found)):
        raise ValueError(f"{module}.{name} is no dataclass that this process knows")
    if {field.name for field in dataclasses.fields(found)} != fields.keys():
        raise ValueError(f"{module}.{name} has other fields by now")
    instance = object.__new__(found)
    for field, value in fields.items():
        object.__setattr__(instance, field, value)
    return instance


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(ext_hook=_read)
