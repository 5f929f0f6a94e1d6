"""The model `Cache` belongs to the app `cache_aside` now; its permissions move with it.

It has no table. What there is of it is its content type: the permissions hang on that, and users,
groups and the admin's log entries on those, so all of them stay where it is renamed in place.
"""

from typing import Any

from django.db import migrations

OLD, NEW = "planets", "cache_aside"


def _move(apps: Any, source: str, target: str) -> None:
    content_types = apps.get_model("contenttypes", "ContentType").objects
    old = content_types.filter(app_label=source, model="cache").first()
    if old is None:
        return
    new = content_types.filter(app_label=target, model="cache").first()
    if new is None:
        old.app_label = target
        old.save()
        return
    # The new app was migrated before: who had a permission gets the new one of the same name.
    permissions = apps.get_model("auth", "Permission").objects
    for permission in permissions.filter(content_type=old):
        other = permissions.get_or_create(
            content_type=new, codename=permission.codename, defaults={"name": permission.name}
        )[0]
        other.group_set.add(*permission.group_set.all())
        other.user_set.add(*permission.user_set.all())
    apps.get_model("admin", "LogEntry").objects.filter(content_type=old).update(content_type=new)
    old.delete()


def forwards(apps: Any, schema_editor: Any) -> None:
    _move(apps, OLD, NEW)


def backwards(apps: Any, schema_editor: Any) -> None:
    _move(apps, NEW, OLD)


class Migration(migrations.Migration):
    dependencies = (
        ("planets", "0005_cache_permissions"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("cache_aside", "0001_initial"),
    )

    operations = (
        migrations.RunPython(forwards, backwards),
        migrations.DeleteModel(name="Cache"),
    )
