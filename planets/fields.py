from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from .facts import BY_FIELD


def at_least(limit: float) -> MinValueValidator:
    return MinValueValidator(limit, "Must be %(limit_value)s or more, not %(show_value)s.")


def at_most(limit: float) -> MaxValueValidator:
    return MaxValueValidator(limit, "Must be %(limit_value)s or less, not %(show_value)s.")


class UnsignedAutoField(models.BigAutoField):
    """INT UNSIGNED AUTO_INCREMENT on MySQL and MariaDB: ids from 1 to 4,294,967,295.

    It derives from BigAutoField, whose range holds all of them: Django answers a look-up beyond
    an AutoField's signed 32 bits with no rows, without asking the database.
    """

    def db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return "integer UNSIGNED AUTO_INCREMENT"
        return super().db_type(connection)

    def rel_db_type(self, connection: BaseDatabaseWrapper) -> str | None:
        if connection.vendor == "mysql":
            return "integer UNSIGNED"
        return super().rel_db_type(connection)


class FactField(models.FloatField):
    """The column of the fact that has the field's name, which gives label, help and limits.

    They stay out of the migrations: a better word in facts.py is no change of the schema.
    """

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False
    ) -> None:
        if fact := BY_FIELD.get(name):
            self.verbose_name = fact.label
            self.help_text = f"In {fact.unit}. {fact.help}"
            self.validators = [
                *([] if fact.minimum is None else [at_least(fact.minimum)]),
                *([] if fact.maximum is None else [at_most(fact.maximum)]),
            ]
        super().contribute_to_class(cls, name, private_only)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("help_text", None)
        return name, path, args, kwargs
