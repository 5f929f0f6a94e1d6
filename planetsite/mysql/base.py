"""Django's backend for MySQL, where waiting for the server has a limit: see patience.py.

In commands it is Django's own: only planetsite/serving.py sets the limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.backends.mysql import base

from ..database_away import Refused
from ..patience import patience


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.asking = patience.asking
        self.execute_wrappers.append(self._execute)

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with self.asking(), self.wrap_database_errors:
            return super().get_new_connection(conn_params)

    def is_usable(self) -> bool:
        """A request's first use of an open connection asks this: CONN_HEALTH_CHECKS is on."""
        try:
            with self.asking():
                usable = bool(super().is_usable())
        except Refused:
            return False
        if not usable:
            patience.suspect()
        return usable

    def _execute(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        """The execute_wrapper. A transaction goes on: what it has locked, others wait for."""
        if self.in_atomic_block:
            return execute(sql, params, many, context)
        with self.asking():
            return execute(sql, params, many, context)
