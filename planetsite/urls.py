from django.conf import settings
from django.contrib import admin
from django.contrib.sitemaps import views as sitemaps
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import URLPattern, URLResolver, include, path

from planets.pages.signposts import SITEMAPS, favicon, robots

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("planets.urls")),
    path("sitemap.xml", sitemaps.index, {"sitemaps": SITEMAPS}, name="sitemap"),
    path(
        "sitemap-<section>.xml",
        sitemaps.sitemap,
        {"sitemaps": SITEMAPS},
        name="django.contrib.sitemaps.views.sitemap",
    ),
    path("robots.txt", robots),
    path("favicon.ico", favicon),
]

if settings.EXPLAIN_PAGES:
    urlpatterns.append(path("", include("planets.explanation.urls")))

if settings.DEBUG:
    from debug_toolbar.toolbar import debug_toolbar_urls

    # runserver needs no help with static files; other servers, as of `DEBUG=on make serve`, do.
    urlpatterns += [*debug_toolbar_urls(), *staticfiles_urlpatterns()]
