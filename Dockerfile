# The site and its watcher, in one image: docs/deploying.md. Configured by the environment alone.
# Debian's packages have no versions here, so that what Debian mends comes with each build.
FROM python:3.12-slim AS build
# mysqlclient is the one package that must be compiled.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libmariadb-dev pkg-config
COPY requirements.txt /
RUN python -m venv /srv/venv \
 && /srv/venv/bin/pip install --no-cache-dir --disable-pip-version-check --requirement /requirements.txt

FROM python:3.12-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libmariadb3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home planets
COPY --from=build /srv/venv /srv/venv
WORKDIR /srv/planets
COPY manage.py ./
COPY planetsite planetsite
COPY planets planets
COPY templates templates
ENV PATH=/srv/venv/bin:$PATH PYTHONUNBUFFERED=1 BIND=0.0.0.0:8000
# Settings want a key and a Redis before they are read. These are of this line alone, and name nobody.
RUN SECRET_KEY=none REDIS_URL=redis://none.invalid python manage.py collectstatic --noinput --verbosity 0
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s \
  CMD ["python", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/healthz')"]
CMD ["gunicorn", "planetsite.wsgi", "--config", "python:planetsite.gunicorn"]
