# The reference registry, and every other command of nscr, in an image: docs/how-to/docker.md.
#
# The base needs Python 3.11 or newer. Where wheels/ holds nscr, everything is installed from there, without a network.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml wheels* /wheels/
COPY pyproject.toml README.md LICENSE ./
COPY nscr nscr
COPY nscr_cli nscr_cli
COPY scenarios scenarios
COPY docs/bugs.toml docs/bugs.toml
# Some bases have no pip: its wheel can be run as it is.
RUN set -eu; \
    python3 -m venv --without-pip /opt/nscr; \
    if ls /wheels/nscr-*.whl >/dev/null 2>&1; then what="--no-index --find-links=/wheels nscr"; else what=/src; fi; \
    export PYTHONPATH="$(ls /wheels/pip-*.whl 2>/dev/null || true)"; \
    python3 -m pip --python /opt/nscr/bin/python install --quiet --no-cache-dir --no-compile --disable-pip-version-check $what; \
    /opt/nscr/bin/python -m compileall -q -j 0 /opt/nscr/lib; \
    mkdir /data

FROM ${BASE}
LABEL org.opencontainers.image.title="nscr" \
      org.opencontainers.image.description="An OCI registry with a monitoring API, and a torture tester, monitor and consistency gate for registries." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/nscr /opt/nscr
COPY --from=build --chown=65532:65532 /data /var/lib/nscr
# Without credentials it does not start on an address that others can reach: give NSCR_AUTH_USERNAME and
# NSCR_AUTH_PASSWORD, or NSCR_ALLOW_ANONYMOUS=true.
ENV PATH=/opt/nscr/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    NSCR_HOST=0.0.0.0 \
    NSCR_PORT=7000 \
    NSCR_DATABASE_PATH=/var/lib/nscr
USER 65532:65532
WORKDIR /var/lib/nscr
VOLUME /var/lib/nscr
EXPOSE 7000
# Requests in flight have up to 10 seconds to end: stop it with a longer grace period.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["python", "-m", "nscr.healthcheck"]
ENTRYPOINT ["nscr"]
CMD ["serve"]
