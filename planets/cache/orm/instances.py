"""Rows as model instances, as Model.from_db() makes them and in a fifth of its time.

from_db() calls the model's __init__(), which sends two signals and sets the fields one by one.
Where neither the model, nor its fields, nor a receiver of the signals does anything of its own
there, the outcome is an instance with the values in its __dict__, and that is what is made here.
Any other model is its own builder.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db.models import Model
from django.db.models.base import ModelState
from django.db.models.fields.files import FileDescriptor
from django.db.models.fields.related_descriptors import ForeignKeyDeferredAttribute
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init

# To set what these stand for is to put it into the instance's __dict__.
PLAIN = {DeferredAttribute, FileDescriptor, ForeignKeyDeferredAttribute}
# What Django sets on a new instance; a model that has its own is left alone.
METHODS = ("__init__", "__new__", "__setattr__", "from_db")


class Builder:
    """Stands for a model where rows become instances."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model
        self._meta = model._meta

    def from_db(
        self, db: str, field_names: Sequence[str], values: Sequence[Any], *, fetch_mode: Any = None
    ) -> Any:
        """As Model.from_db(): the names in the order of the values, other fields deferred."""
        instance: Any = object.__new__(self.model)
        state = ModelState()
        state.adding, state.db = False, db
        if fetch_mode is not None:  # Django 6.1
            state.fetch_mode = fetch_mode
        fields = instance.__dict__
        fields["_state"] = state
        fields.update(zip(field_names, values, strict=True))
        return instance


def builder(model: Any) -> Any:
    """What has `_meta` and `from_db()` of a model: the quickest that gives the same."""
    if pre_init.has_listeners(model) or post_init.has_listeners(model):
        return model
    return _builder(model)


@cache
def _builder(model: Any) -> Any:
    # Also of a base behind Model: Model.__init__() calls the next one's.
    bases = set(model.__mro__) - set(Model.__mro__)
    own = any(name in vars(base) for base in bases for name in METHODS)
    called = type(model).__call__ is not type.__call__  # by a metaclass
    fields = (inspect.getattr_static(model, f.attname, None) for f in model._meta.concrete_fields)
    if own or called or not set(map(type, fields)) <= PLAIN:
        return model
    return Builder(model)


def with_builders(klass_info: dict[str, Any]) -> dict[str, Any]:
    """A compiler's klass_info, its model and those of its relations replaced by their builders."""
    related = klass_info.get("related_klass_infos", ())
    return {
        **klass_info,
        "model": builder(klass_info["model"]),
        "related_klass_infos": [with_builders(found) for found in related],
    }
