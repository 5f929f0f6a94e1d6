#!/usr/bin/env python
"""Django's command-line utility for administrative tasks."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planetsite.settings")
    from django.conf import settings
    from django.core.management import execute_from_command_line

    from planetsite.environment import one_line_errors

    with one_line_errors():
        settings.INSTALLED_APPS  # noqa: B018  Django itself would report a wrong setting later
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
