"""What the pages of DEBUG show of the settings: no password, wherever it stands."""

from __future__ import annotations

import re
from typing import Any

from django.views.debug import SafeExceptionReporterFilter

HIDDEN = SafeExceptionReporterFilter.cleansed_substitute
# In an address, as redis://user:password@host/0. A password may hold an @ itself: up to the last.
IN_ADDRESS = re.compile(r"(?<=://)\S*@")
AS_OPTION = re.compile(r"(?<=[?&])((?:username|password)=)[^&\s]*", re.I)


class PasswordsFilter(SafeExceptionReporterFilter):
    """Django's own goes by the names of settings; this looks into addresses, too.

    REDIS_URL and CACHES are such, and so is what runserver hands on of the environment.
    """

    def cleanse_setting(self, key: str | int, value: Any) -> Any:
        cleansed = super().cleanse_setting(key, value)
        if not isinstance(cleansed, str):
            return cleansed
        text = str(cleansed)  # what is lazy only says that it is a str
        return AS_OPTION.sub(rf"\1{HIDDEN}", IN_ADDRESS.sub(f"{HIDDEN}@", text))
