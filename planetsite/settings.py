"""Settings, read from the environment. `.env.example` explains every variable."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from .certificates import certificates
from .environment import (
    REQUIRED,
    flag,
    hosts,
    number,
    origins,
    port,
    read_file,
    replicas,
    text,
    whole,
)
from .redis_address import redis_address
from .redis_options import redis_options, sentinel_login

BASE_DIR = Path(__file__).resolve().parent.parent
read_file("ENV_FILE", BASE_DIR / ".env")

# --- Core
DEBUG = flag("DEBUG", default=False)
SECRET_KEY = text(
    "SECRET_KEY", "not-a-secret" if DEBUG else REQUIRED, "sessions are signed with it"
)
ALLOWED_HOSTS = hosts("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = origins("CSRF_TRUSTED_ORIGINS")
INTERNAL_IPS = ["127.0.0.1", "::1"]

ROOT_URLCONF = "planetsite.urls"
WSGI_APPLICATION = "planetsite.wsgi.application"
ASGI_APPLICATION = "planetsite.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "planets",
    "planets.cache",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.sitemaps",
    "django.contrib.staticfiles",
    "axes",
]
MIDDLEWARE = [
    "planetsite.health.ProbesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    # A page is stored with its policy, so what makes policies stands behind it.
    "planets.cache.pages.middleware.PageCacheMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "planetsite.database_away.DatabaseAwayMiddleware",
    "axes.middleware.AxesMiddleware",  # last: it puts its answer in place of the login page
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Logging in: after so many failures of an address, none of it is tried for a while. They are
# counted in the database, which a login needs anyway: Redis may be away, and forgets.
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = timedelta(minutes=15)
# Not by the name: anybody could lock an editor out.
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "planetsite.logins.address"
AXES_LOCKOUT_CALLABLE = "planetsite.logins.locked_out"
# What is refused is not counted, so an address leaves AXES_FAILURE_LIMIT rows at most.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username"]  # some type their password there
# A new password is held against these.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# --- Database: MySQL or MariaDB where DB_HOST names one, else SQLite
DATABASES: dict[str, dict[str, Any]]
if text("DB_HOST", ""):
    DATABASES = {
        "default": {
            "ENGINE": "planetsite.mysql",  # Django's, and of those who serve pages few wait for it
            "HOST": text("DB_HOST"),
            "PORT": port("DB_PORT", 3306),
            "USER": text("DB_USER", why="DB_HOST is, so this must be too"),
            "PASSWORD": text("DB_PASS", ""),
            "NAME": text("DB_NAME", why="DB_HOST is, so this must be too"),
            "CONN_MAX_AGE": 600,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {
                "charset": "utf8mb4",
                # MySQL's own default, REPEATABLE READ, shows a transaction old rows, so nothing
                # could be cached inside of one.
                "isolation_level": "read committed",
                "init_command": "SET sql_mode=CONCAT_WS(',', @@sql_mode, 'STRICT_TRANS_TABLES')",
                "connect_timeout": 5,
                **certificates(
                    *("DB_CA_CERTS", "DB_CLIENT_CERT", "DB_CLIENT_KEY"),
                    unless="DB_HOST must be a host: a socket needs no TLS"
                    if text("DB_HOST").startswith("/")
                    else "",
                ).for_mysql(),
            },
        }
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": text("SQLITE_PATH", str(BASE_DIR / "db.sqlite3")),
            "OPTIONS": {
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
                # Waits for the lock where a transaction begins; upgrading later would fail at once.
                "transaction_mode": "IMMEDIATE",
            },
        }
    }

# --- Replicas of it, which public pages are read from: planetsite/replicas.py
REPLICAS: dict[str, dict[str, Any]] = {}
if text("DATABASE_REPLICAS", ""):
    if not text("DB_HOST", ""):
        raise ImproperlyConfigured("DATABASE_REPLICAS is set, so DB_HOST must name their primary.")
    REPLICAS = replicas("DATABASE_REPLICAS", DATABASES["default"])
    DATABASES |= REPLICAS
    DATABASE_ROUTERS = ["planetsite.replicas.ReplicasRouter"]

# Seconds, 0 for no end; for what serves pages, not for commands: planetsite/serving.py. With the
# time that a new connection may take, it is what the only thread of a process can be held up.
DB_TIMEOUT = whole("DB_TIMEOUT", 5, low=0, high=3600)
# Of a process that serves pages; one fewer may wait for the database: planetsite/patience.py.
THREADS = whole("THREADS", 4, low=1, high=100)

# --- Redis
redis = redis_address("REDIS_URL", "redis://127.0.0.1:6379/0" if DEBUG else REQUIRED)
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis.location,
        "OPTIONS": {
            # Never pickle: who can write to Redis could run code here.
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "IGNORE_EXCEPTIONS": True,  # the database is the fallback
            **redis_options(
                redis,
                certificates(
                    *("REDIS_CA_CERTS", "REDIS_CLIENT_CERT", "REDIS_CLIENT_KEY"),
                    unless="" if redis.tls else "REDIS_URL must be rediss://, which is TLS",
                ),
                sentinel_login(redis, "REDIS_SENTINEL_USER", "REDIS_SENTINEL_PASSWORD"),
            ),
        },
    }
}
CACHE_ASIDE: dict[str, Any] = {
    "TTL": number("CACHE_TTL", 300, low=1, high=7 * 24 * 3600),
    "NEAR": flag("CACHE_NEAR", default=False),
    "SAME_AS": dict.fromkeys(REPLICAS, "default"),
    "READS": "planets.reads",
    "NAME": "planets",
    "METRICS_TOKEN": text("METRICS_TOKEN", ""),
    # What the site's statements cost is kept, for advise_cache; a share of the hits is checked.
    "ADVICE": flag("CACHE_ADVICE", default=False),
    "AUDIT": number("CACHE_AUDIT", 0, low=0, high=1),
    # How `watch_database` connects, where its user is not the site's.
    "WATCH": {"USER": text("WATCH_USER"), "PASSWORD": text("WATCH_PASS", "")}
    if text("WATCH_USER", "")
    else {},
    "WATCH_LAG": number("WATCH_LAG", 0, low=0, high=3600),
    "MARK": flag("WATCH_MARK", default=False),
    # Which entries are fetched is recorded to this file, for tune_cache; "" records nothing.
    "TRACE": text("CACHE_TRACE", ""),
    "TRACE_BYTES": whole("CACHE_TRACE_BYTES", 10_000_000, low=1000, high=10**10),
    "TRACE_PERCENT": number("CACHE_TRACE_PERCENT", 100, low=1, high=100),
}

# Of what is late by its nature, a visitor who has just written is shown nothing for a moment.
PAGES_AT = MIDDLEWARE.index("planets.cache.pages.middleware.PageCacheMiddleware")
if REPLICAS:
    MIDDLEWARE.insert(PAGES_AT + 1, "planetsite.replicas.ReplicasMiddleware")
if REPLICAS or CACHE_ASIDE["NEAR"]:
    MIDDLEWARE.insert(PAGES_AT, "planets.cache.pages.own_writes.OwnWritesMiddleware")

# Seconds since a page was made up to which it is shown while the database is away; it says so.
CACHE_STALE_IF_ERROR = number("CACHE_STALE_IF_ERROR", 0, low=0, high=7 * 24 * 3600)

# "How this page was made" in the footer of every page: for a demo, as it makes pages many times.
EXPLAIN_PAGES = flag("EXPLAIN_PAGES", default=False)

# --- HTTPS: on unless DEBUG
HTTPS = flag("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Browsers keep who asks for that for years, so it is for the owner of the domain to say.
SECURE_HSTS_PRELOAD = HTTPS and flag("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = [] if SECURE_HSTS_PRELOAD else ["security.W021"]
BEHIND_TLS_PROXY = flag("BEHIND_TLS_PROXY", default=False)
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- What a page may load: its own files, nothing inline
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        **{f"{kind}-src": [SELF] for kind in ("script", "style", "img", "connect")},
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
# The pages of DEBUG, the toolbar's among them, show settings without the passwords in addresses.
DEFAULT_EXCEPTION_REPORTER_FILTER = "planetsite.hiding.PasswordsFilter"

# --- Language, time, static files
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}

if not DEBUG:  # then runserver serves them
    MIDDLEWARE.insert(2, "whitenoise.middleware.WhiteNoiseMiddleware")

# --- Logging
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        # Who answers 503 says why itself, and once: planetsite.database_away.
        "no_503": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", 0) != 503,
        },
        # Anybody can send a wrong Host, too many fields, a form without its token.
        "sparingly": {
            "()": "planetsite.logs.Sparingly",
            "names": ["django.security", "planetsite.database_away.busy"],
        },
    },
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["sparingly"],
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "planets": {"level": "INFO"},
        # Django's own handlers tell of an error only in DEBUG, or by mail.
        "django": {"handlers": [], "level": "INFO"},
        "django.request": {
            "level": "ERROR",
            "filters": ["no_503"],
        },  # that a page is not there is no news
    },
}

# --- Being looked after
if flag("CACHE_STATUS", default=DEBUG):
    MIDDLEWARE.insert(1, "planets.cache.instruments.cache_status.CacheStatusMiddleware")

# --- Debug toolbar
if DEBUG:
    INSTALLED_APPS.append("debug_toolbar")
    MIDDLEWARE.insert(
        1, "debug_toolbar.middleware.DebugToolbarMiddleware"
    )  # it sees what is inside
    DEBUG_TOOLBAR_CONFIG = {
        "SHOW_COLLAPSED": True,
        "SHOW_TOOLBAR_CALLBACK": "planetsite.toolbar.is_shown",
    }
    DEBUG_TOOLBAR_PANELS = [
        "debug_toolbar.panels.history.HistoryPanel",
        "planets.cache.instruments.panel.CacheAsidePanel",
        "debug_toolbar.panels.sql.SQLPanel",
        "debug_toolbar.panels.timer.TimerPanel",
        "debug_toolbar.panels.settings.SettingsPanel",
        "debug_toolbar.panels.headers.HeadersPanel",
        "debug_toolbar.panels.request.RequestPanel",
        "debug_toolbar.panels.staticfiles.StaticFilesPanel",
        "debug_toolbar.panels.templates.TemplatesPanel",
        "debug_toolbar.panels.cache.CachePanel",
        "debug_toolbar.panels.signals.SignalsPanel",
    ]
