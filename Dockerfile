# One image for all services; `--target sandbox` adds what the sink needs.
# Build: docker build --tag carillon:0.2.0 .
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/carillon
ENV PATH=/opt/carillon/bin:$PATH
WORKDIR /src
# The dependencies have a layer of their own, so that a change of our code does not install them again.
# Wheels only: this stage has no compiler, and a build that needs one should say so here.
COPY pyproject.toml constraints.txt ./
# The client is no dependency to fetch: it is installed beside the platform.
RUN python -c "import tomllib; named = tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies']; \
        print(*(name for name in named if not name.startswith('carillon-client ')), sep='\n')" > requirements.txt \
    && pip install --only-binary :all: --constraint constraints.txt --requirement requirements.txt
COPY . .
# EXTRAS=apprise adds the library of that channel, EXTRAS=socketio what `socketio` needs, EXTRAS=apprise,socketio both.
ARG EXTRAS=
RUN pip install --constraint constraints.txt ./carillon ".${EXTRAS:+[$EXTRAS]}"

FROM build AS build-sandbox
RUN pip install --constraint constraints.txt ".[sandbox]"

FROM ${PYTHON_IMAGE} AS runtime
RUN groupadd --gid 10001 carillon \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin carillon
# The root is read-only where this runs: no bytecode is written, and /tmp is the only place to write to.
ENV PATH=/opt/carillon/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
WORKDIR /app
COPY catalog/ catalog/
USER 10001:10001
STOPSIGNAL SIGTERM
EXPOSE 8080 8081 8082 8083 9100
ENTRYPOINT ["carillon", "run"]

FROM runtime AS sandbox
COPY --from=build-sandbox /opt/carillon /opt/carillon
EXPOSE 2525 8025
CMD ["sink"]

# The last stage is what a build without --target gives.
FROM runtime AS carillon
COPY --from=build /opt/carillon /opt/carillon
CMD ["ingest"]
