# One image for web, worker and beat; the command selects the process. Images are named by digest (docs/howto/install.md).
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# durable-rules calls PyEval_CallObject, which Python 3.13 removed, and by default builds unoptimised
ENV CPPFLAGS="-DPyEval_CallObject=PyObject_CallObject -O2"
# Build tools have their own environment, pinned by hashes; without isolation, no build fetches others.
COPY requirements-build.lock requirements.lock ./
RUN python -m venv /build && /build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --require-hashes --wheel-dir /wheels -r requirements.lock
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY triage_rules ./triage_rules
RUN /build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels .
RUN python -m venv --without-pip /venv && /build/bin/pip --python /venv/bin/python install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b
RUN useradd --system --uid 10001 triage
COPY --from=build /venv /venv
WORKDIR /app
COPY service ./service
COPY workers ./workers
COPY rulesets ./rulesets
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER triage
CMD ["gunicorn", "--config", "service/boot/gunicorn.py", "service.boot.app:create_app()"]
