from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from planets.data.seed import seed


def write_any_letter(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Servers that default to latin1 made the tutorial's table so.

    There, a search for a letter that latin1 lacks is an error (1267, illegal mix of collations).
    """
    connection = schema_editor.connection
    if connection.vendor != "mysql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()"
            " AND table_name IN ('planet', 'moon') AND table_collation NOT LIKE 'utf8mb4%'"
        )
        tables = [table for (table,) in cursor.fetchall()]
    for table in tables:
        schema_editor.execute(
            f"ALTER TABLE {schema_editor.quote_name(table)} CONVERT TO CHARACTER SET utf8mb4"
        )


def fill_in(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    seed(apps.get_model("planets", "Planet"), apps.get_model("planets", "Moon"))


class Migration(migrations.Migration):
    dependencies = (("planets", "0003_facts_and_moons"),)

    operations = (
        migrations.RunPython(write_any_letter, migrations.RunPython.noop, atomic=False),
        migrations.RunPython(fill_in, migrations.RunPython.noop),
    )
