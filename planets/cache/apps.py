"""All the wiring of the layer: one line in INSTALLED_APPS does it."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib.util import find_spec

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_finished


class CacheAsideConfig(AppConfig):
    name = __package__
    label = "cache_aside"
    verbose_name = "Cache-aside"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import (
            checks,  # noqa: F401  they register themselves
            records,
        )
        from .conf import conf
        from .instruments import afterwards, audit, history, marks
        from .instruments.account.listener import listener
        from .lab import advisor, trace
        from .writing import hooks

        hooks.install()
        records.check_all()
        request_finished.connect(afterwards.finished)
        afterwards.each.append(history.teller.sometimes)
        if find_spec("prometheus_client"):  # the extra "metrics"
            from .instruments import metrics

            if metrics.IN_PROCESSES in os.environ:
                afterwards.each.append(metrics.tell)
        trace.start()
        with suppress(ImproperlyConfigured):  # the checks tell
            if conf().ADVICE:
                listener.start()
                marks.advised.append(advisor.sentences)
            if conf().AUDIT:
                audit.audit.start()
