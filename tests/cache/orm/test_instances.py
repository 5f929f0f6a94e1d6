"""Instances are what Model.from_db() makes of the same row, and are made by it where it matters."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelBase
from django.db.models.query_utils import DeferredAttribute
from django.db.models.signals import post_init, pre_init
from django.test.utils import isolate_apps

from planets.cache.orm.instances import Builder, builder
from tests.cache.zoo.models import Animal, Bird, Comet, Everything, Pet, Star, Tag
from tests.cache.zoo.rows import FULL

pytestmark = pytest.mark.django_db(transaction=True)

PLAIN = [Star, Comet, Everything, Tag, Animal, Bird, Pet]


def inside(instance: Any) -> Any:
    """All that an instance is: class, values in order, and state."""
    assert instance._state.fields_cache == {}  # made when first looked at
    state = sorted(vars(instance._state).items())
    return type(instance), [(k, v) for k, v in vars(instance).items() if k != "_state"], state


@pytest.mark.parametrize("model", PLAIN)
def test_it_is_the_instance_that_django_makes(model: Any) -> None:
    names = [field.attname for field in model._meta.concrete_fields]
    assert isinstance(builder(model), Builder)
    for wanted in (names, names[:1], names[1:]):
        values = [f"value of {name}" for name in wanted]
        made = builder(model).from_db("other", wanted, values)
        django = model.from_db("other", wanted, values)
        assert inside(made) == inside(django)
        assert made.get_deferred_fields() == django.get_deferred_fields()


def test_it_lives_as_any_other(redis: Any) -> None:
    mother = Animal.objects.create(name="Owl", weight=3)
    Animal.objects.create(name="Owlet", mother=mother)
    owlet = Animal.objects.cached().get(name="Owlet")
    assert (owlet.mother, owlet._state.adding, owlet._state.db) == (mother, False, DEFAULT_DB_ALIAS)
    assert owlet == pickle.loads(pickle.dumps(owlet)) == copy.deepcopy(owlet)

    owlet.mother_id = None
    assert owlet.mother is None  # what was cached of the relation went with it
    owlet.name = "Barn owl"
    owlet.save()
    owlet.refresh_from_db()
    assert (owlet.name, owlet.mother) == ("Barn owl", None)

    partly = Animal.objects.cached().only("name").get(pk=owlet.pk)
    assert partly.get_deferred_fields() == {"weight", "mother_id"}
    assert partly.weight == 0


def test_a_file_comes_as_a_file(redis: Any) -> None:
    Everything.objects.create(**FULL)
    for _ in range(2):
        assert Everything.objects.cached().get().file.name == Everything.objects.get().file.name


@pytest.fixture
def heard() -> Iterator[list[Any]]:
    """Instances of Animal that post_init tells of."""
    told: list[Any] = []

    def hear(instance: Any, **kwargs: Any) -> None:
        told.append(instance)

    post_init.connect(hear, sender=Animal)
    yield told
    post_init.disconnect(hear, sender=Animal)


def test_a_receiver_of_the_signals_hears_of_each(redis: Any, heard: list[Any]) -> None:
    Animal.objects.create(name="Owl")
    heard.clear()
    for _ in range(2):
        list(Animal.objects.cached())
    assert [animal.name for animal in heard] == ["Owl", "Owl"]
    assert builder(Animal) is Animal
    assert isinstance(builder(Tag), Builder)


def test_a_receiver_before_init_is_heard_too() -> None:
    def hear(**kwargs: Any) -> None: ...

    pre_init.connect(hear, sender=Animal)
    assert builder(Animal) is Animal
    pre_init.disconnect(hear, sender=Animal)
    assert isinstance(builder(Animal), Builder)


class Descriptor(DeferredAttribute):
    """Notes each value that is set."""

    def __set__(self, instance: Any, value: Any) -> None:
        instance.__dict__[self.field.attname] = value


class OwnField(models.IntegerField):
    descriptor_class = Descriptor


def own_init(self: Any, *args: Any, **kwargs: Any) -> None:
    models.Model.__init__(self, *args, **kwargs)


@pytest.mark.parametrize(
    "own",
    [
        {"__init__": own_init},
        {"from_db": classmethod(lambda cls, *args, **options: None)},
        {"__setattr__": lambda self, name, value: object.__setattr__(self, name, value)},
        {"__new__": lambda cls, *args, **kwargs: object.__new__(cls)},
        {"field": OwnField()},
    ],
    ids=lambda own: next(iter(own)),
)
def test_a_model_with_something_of_its_own_is_its_own_builder(own: dict[str, Any]) -> None:
    meta = type("Meta", (), {"app_label": "zoo"})
    with isolate_apps("tests.cache.zoo"):
        model = type("Own", (models.Model,), {"__module__": __name__, "Meta": meta, **own})
        assert builder(model) is model


class Behind:
    """A base that Model.__init__() calls, for it comes after it."""

    def __init__(self) -> None:
        self.made = True


class Calling(ModelBase):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return super().__call__(*args, **kwargs)


@pytest.mark.parametrize(("kind", "bases"), [(ModelBase, (Behind,)), (Calling, ())])
def test_so_is_one_with_a_base_behind_model_or_a_call_of_its_own(kind: Any, bases: Any) -> None:
    meta = type("Meta", (), {"app_label": "zoo"})
    with isolate_apps("tests.cache.zoo"):
        model = kind("Own", (models.Model, *bases), {"__module__": __name__, "Meta": meta})
        assert builder(model) is model
