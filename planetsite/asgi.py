"""The application for an ASGI server."""

import os

from django.conf import settings
from django.core.asgi import get_asgi_application

from .environment import WORKER_CANNOT_BOOT, one_line_errors
from .serving import limit_waits, need_what_pages_need
from .threads import OnFewThreads

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "planetsite.settings")
with one_line_errors(WORKER_CANNOT_BOOT):
    need_what_pages_need()
    django_application = get_asgi_application()
limit_waits()
application = OnFewThreads(django_application, settings.THREADS)
