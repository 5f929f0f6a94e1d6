"""Why Redis did not do what it was asked."""


class Unavailable(Exception):
    """Redis did not answer, or is not being asked. The caller does without it."""


class Refused(Unavailable):
    """Redis answered that it will not do that (full, read-only, loading, no permission ...)."""


class Misconfigured(Unavailable):
    """CACHES has no Redis that the layer could use."""
