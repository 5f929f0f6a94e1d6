"""The application for a ASGI server."""

import os

from django.core.asgi import get_asgi_application

from .environment import one_line_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planetsite.settings")
with one_line_errors():
    application = get_asgi_application()
