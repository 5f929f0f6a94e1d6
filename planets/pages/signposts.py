"""What machines ask a site for: its sitemap, its robots.txt, its icon."""

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from ..models import Planet


class PlanetSitemap(Sitemap):
    limit = 2_000  # of a part of the sitemap; a part is asked for by ?p=2

    def items(self) -> QuerySet[Planet]:
        return Planet.objects.only("pk").order_by("pk")


class PageSitemap(Sitemap):
    def items(self) -> list[str]:
        return ["planets:home", "planets:compare", "planets:moons"]

    def location(self, item: str) -> str:
        return reverse(item)


SITEMAPS: dict[str, type[Sitemap]] = {"planets": PlanetSitemap, "pages": PageSitemap}


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    sitemap = request.build_absolute_uri(reverse("sitemap"))
    text = f"User-agent: *\nDisallow: /admin/\nDisallow: /explain/\n\nSitemap: {sitemap}\n"
    return HttpResponse(text, content_type="text/plain")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What asks for it by this name can often read no SVG."""
    return HttpResponseRedirect(static("planets/favicon.ico"))
