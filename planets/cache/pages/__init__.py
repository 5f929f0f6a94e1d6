"""Whole pages: always fresh, from one look-up.

    @cached_page(ttl=300, query=("kind", "sort"))
    def home(request): ...

marks a view; the middleware PageCacheMiddleware serves its pages and stores them (middleware), by a
key that tells every page from every other (address), and never what was made for one visitor
(personal).
"""

from .marking import Policy, cached_page, policy_of

__all__ = ["Policy", "cached_page", "policy_of"]
