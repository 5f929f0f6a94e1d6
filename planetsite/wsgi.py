"""The application for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from .environment import one_line_errors

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planetsite.settings")
with one_line_errors():
    application = get_wsgi_application()
