"""Which release of the site this is: what was computed by older code or templates is never served.

CACHE_ASIDE["RELEASE"] names it (a commit, a build number). Where it is left out, it is a digest of
what a page is made by: the project's own code and templates, the versions of all packages, the
manifest of the static files, and the settings.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from functools import lru_cache
from hashlib import blake2b
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.signals import setting_changed
from django.template import engines
from django.utils.autoreload import file_changed

from . import active
from .conf import conf

# Settings that no page is made by, and that differ between processes of one release.
ELSEWHERE = frozenset(
    "ALLOWED_HOSTS CACHES CACHE_ASIDE DATABASES INTERNAL_IPS LOGGING SECRET_KEY "
    "SECRET_KEY_FALLBACKS".split()
)
SOURCES = frozenset([".py", ".html", ".txt", ".svg", ".xml", ".json", ".mo", ".css", ".js"])


def release() -> str:
    """The release in force. Raises OSError where its code cannot be read."""
    return conf().RELEASE or _fingerprint()


class Surroundings(NamedTuple):
    """What all that is computed depends on, whatever it reads."""

    release: str
    language: str | None
    zone: str | None
    urlconf: str  # this and the prefix is what addresses are made by
    prefix: str


def surroundings() -> Surroundings:
    """Those of this thread or task. Raises OSError as `release`."""
    language = active.language() if settings.USE_I18N else None
    zone = active.zone() if settings.USE_TZ else None
    return Surroundings(release(), language, zone, active.urlconf(), active.prefix())


@lru_cache(maxsize=1)
def _fingerprint() -> str:
    digest = blake2b(digest_size=8)
    for told in (*_versions(), *_settings()):
        digest.update(told.encode())
    for name, path in sorted(set(_files())):
        digest.update(name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _versions() -> Iterator[str]:
    yield sys.version
    yield from sorted(f"{found.name} {found.version}" for found in distributions())


def _settings() -> Iterator[str]:
    """Of what is plain data; the rest is code, whose files count."""
    with warnings.catch_warnings(action="ignore"):  # Django warns whoever reads an old setting
        names = {name for name in dir(settings) if name.isupper()} - ELSEWHERE
        found = {name: getattr(settings, name) for name in names}
    for name in sorted(found):
        try:
            yield json.dumps([name, found[name]], sort_keys=True, default=_told)
        except (TypeError, ValueError):
            continue


def _told(value: Any) -> Any:
    """Of what JSON has no word for: a path, a set's members; of all else the type alone is told."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    return type(value).__qualname__


def _files() -> Iterator[tuple[str, Path]]:
    """The project's own, each under its name in its folder.

    Not those of installed packages, whose versions count.
    """
    templates = {Path(folder) for engine in engines.all() for folder in engine.template_dirs}
    folders = templates | {Path(config.path) for config in apps.get_app_configs()}
    if isinstance(settings.STATIC_ROOT, (str, Path)):
        manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
        yield from [(manifest.name, manifest)] if manifest.is_file() else []
    root = str(getattr(settings, "ROOT_URLCONF", "")).partition(".")[0]
    if root in sys.modules and (home := sys.modules[root].__file__):
        folders.add(Path(home).parent)
    for folder in folders:
        if "site-packages" not in folder.parts and "dist-packages" not in folder.parts:
            for path in folder.rglob("*"):
                # Engines call their templates as they like.
                if (path.suffix in SOURCES or folder in templates) and path.is_file():
                    yield str(path.relative_to(folder)), path


def _forget(**kwargs: Any) -> None:
    _fingerprint.cache_clear()


setting_changed.connect(_forget)
file_changed.connect(_forget)  # under runserver a template changes without a new process
