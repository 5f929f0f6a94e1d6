"""The tutorial's table, to the letter, so that `migrate --fake-initial` adopts a database of it."""

from django.db import migrations, models

import planets.fields


class Migration(migrations.Migration):
    initial = True

    dependencies = ()

    operations = (
        migrations.CreateModel(
            name="Planet",
            fields=[
                ("id", planets.fields.UnsignedAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=30, null=True)),
            ],
            options={"db_table": "planet"},
        ),
    )
