"""The fixtures of the plugin, as pytest finds them where the wheel is installed."""

from planets.cache.testing.plugin import (
    cache_aside_events,
    cache_aside_isolated,
    cache_aside_round_trips,
)

__all__ = ["cache_aside_events", "cache_aside_isolated", "cache_aside_round_trips"]
