"""Classes of somebody's own that work as the class of Django's that they are made from.

What is cached or remembered of a field, a lookup or an expression is right only where its SQL, its
parameters and its values are what Django's own class makes: one that overrides any of that may ask
the active language, the visitor or a secret. So a class is plain where each class between it and
Django's defines nothing but what is listed here. One that is plain for another reason says so:

    class Rounded(models.FloatField):
        cache_aside_plain = True  # to_python() depends on its argument alone, and is no secret

"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import models

DECLARED = "cache_aside_plain"

# What Python gives to a class.
OF_ANY_CLASS = frozenset(
    {
        *("__module__", "__qualname__", "__doc__", "__annotations__", "__dict__", "__weakref__"),
        *("__slots__", "__parameters__", "__orig_bases__", "__firstlineno__"),
        *("__static_attributes__", "__classcell__", "__type_params__", "__annotate__"),
        *("__annotations_cache__", "__annotate_func__"),
    }
)
# What a class may define: names of Django's that forms, migrations, writes and checks use, and no
# reader of rows. A name that is not Django's is nobody's business but the class's own.
HARMLESS = frozenset(
    {
        *OF_ANY_CLASS,
        *("__init__", "__repr__"),
        *(
            "contribute_to_class",
            "deconstruct",
            "clone",
            "description",
            "class_lookups",
            "non_db_attrs",
            "check",
        ),
        *("db_type", "rel_db_type", "db_parameters", "db_check", "db_type_suffix"),
        *("formfield", "validate", "validators", "run_validators", "clean", "error_messages"),
        *("default_validators", "default_error_messages", "empty_strings_allowed", "empty_values"),
        *("get_default", "has_default", "pre_save", "get_db_prep_save", "save_form_data"),
        *("value_from_object", "value_to_string", "get_choices", "get_bound_field"),
    }
)
# What Django looks for on a class and has on none of its own, or not on each.
LOOKED_FOR = frozenset(
    {
        *("from_db_value", "get_db_converters", "select_format", "get_placeholder", "as_sql"),
        *("get_placeholder_sql", "to_python", "get_prep_value", "get_db_prep_value", "get_lookup"),
        *("get_transform", "get_internal_type", "resolve_expression", "output_field"),
        *("__getattr__", "__getattribute__", "__get__", "__set__", "__eq__", "__hash__"),
    }
)


@cache
def is_plain(kind: Any) -> bool:
    """Whether instances of a class make SQL, parameters and values as Django's class does."""
    said = {part for part in kind.__mro__ if vars(part).get(DECLARED)}
    trusted = {base for part in said for base in part.__mro__}  # what it says is of all it inherits
    mine = [part for part in kind.__mro__ if not is_djangos(part) and part not in trusted]
    theirs = [part for part in kind.__mro__ if is_djangos(part) and part is not object]
    known = {name for part in theirs for name in vars(part)} | LOOKED_FOR
    return bool(theirs) and not any(
        name in LOOKED_FOR or name.startswith("as_") or (name in known and name not in HARMLESS)
        for part in mine
        for name in vars(part)
    )


def works_as_djangos(whole: Any) -> bool:
    """The same of one instance, which may have been given methods of its own."""
    kind: Any = type(whole)
    return is_plain(kind) and not any(map(callable, map(vars(whole).get, LOOKED_FOR)))


def field_works_as_djangos(field: Any) -> bool:
    """The same of a model's field, and of those that it leads to and takes its values from."""
    while works_as_djangos(field):
        if field.remote_field:
            field = field.target_field
        elif isinstance(field, models.GeneratedField):
            field = field.output_field
        else:
            return True
    return False


def is_djangos(kind: type) -> bool:
    """object counts as well: a class made from nothing else is plain in no way of Django's."""
    return kind is object or kind.__module__.startswith("django.")
