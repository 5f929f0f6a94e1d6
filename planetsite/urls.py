from django.conf import settings
from django.contrib import admin
from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("", include("planets.urls")),
]

if settings.DEBUG:
    from debug_toolbar.toolbar import debug_toolbar_urls

    # runserver needs no help with static files; other servers, as of `DEBUG=on make serve`, do.
    urlpatterns += [*debug_toolbar_urls(), *staticfiles_urlpatterns()]
