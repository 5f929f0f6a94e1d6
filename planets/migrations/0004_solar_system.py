from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from planets.seed import seed


def fill_in(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    seed(apps.get_model("planets", "Planet"), apps.get_model("planets", "Moon"))


class Migration(migrations.Migration):
    dependencies = (("planets", "0003_facts_and_moons"),)

    operations = (migrations.RunPython(fill_in, migrations.RunPython.noop),)
