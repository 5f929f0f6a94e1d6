#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planetsite.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.db import DatabaseError

    from planetsite.environment import one_line_errors

    with one_line_errors():
        settings.INSTALLED_APPS  # noqa: B018  Django itself would report a wrong setting later
        from planetsite.database_away import is_away

        try:
            execute_from_command_line(sys.argv)
        except DatabaseError as error:
            if not is_away(error):
                raise
            sys.exit(f"The database is not reachable: {error}")


if __name__ == "__main__":
    main()
