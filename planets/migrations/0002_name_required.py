"""The tutorial's `name` may be NULL. A planet here has a name, so a nameless one is called by
its id before the column says so."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def name_the_nameless(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for planet in apps.get_model("planets", "Planet").objects.filter(name=None):
        planet.name = f"Planet {planet.pk}"
        planet.save()


class Migration(migrations.Migration):
    dependencies = (("planets", "0001_initial"),)

    operations = (
        migrations.RunPython(name_the_nameless, migrations.RunPython.noop),
        migrations.AlterField("Planet", "name", models.CharField(max_length=30)),
    )
