"""What is remembered of a compiled query is of the settings that it was compiled under.

Only tests change settings. A queryset that a class keeps outlives them all.
"""

from __future__ import annotations

from typing import Any

from django.core.signals import setting_changed


class Era:
    """Which settings are in force: another number after each change of any."""

    number = 0

    def end(self, **kwargs: Any) -> None:
        """Receiver of `setting_changed`."""
        self.number += 1


era = Era()
setting_changed.connect(era.end)
