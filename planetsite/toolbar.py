"""Which pages have the debug toolbar."""

from debug_toolbar.middleware import show_toolbar
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


def is_shown(request: HttpRequest) -> bool:
    """As the toolbar's own rule, but not on what times other pages: it would time the toolbar."""
    try:
        explanation = reverse("explanation:page")
    except NoReverseMatch:
        return show_toolbar(request)
    return request.path != explanation and show_toolbar(request)
