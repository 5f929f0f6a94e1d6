"""The application for a WSGI server."""

import os

from django.core.wsgi import get_wsgi_application

from .environment import WORKER_CANNOT_BOOT, one_line_errors
from .serving import limit_waits, need_what_pages_need

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planetsite.settings")
with one_line_errors(WORKER_CANNOT_BOOT):
    need_what_pages_need()
    application = get_wsgi_application()
limit_waits()
