"""The admin's pages of the cache. Its autodiscovery imports this."""

from .cache import CacheAdmin
from .record import RecordAdmin

__all__ = ["CacheAdmin", "RecordAdmin"]
