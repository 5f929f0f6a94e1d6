"""The admin's pages of the cache. Its autodiscovery imports this."""

from .cache import CacheAdmin
from .record import RecordAdmin
from .went_stale import TellsWhatWentStale

__all__ = ["CacheAdmin", "RecordAdmin", "TellsWhatWentStale"]
