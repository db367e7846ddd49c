# One image for web, worker and beat; which one it is, the command says.
FROM python:3.13-slim AS build
RUN apt-get update && apt-get install -y --no-install-recommends gcc libc6-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /app
# durable-rules calls PyEval_CallObject, which Python 3.13 took away, and would build unoptimised
ENV CPPFLAGS="-DPyEval_CallObject=PyObject_CallObject -O2"
RUN python -m venv /venv
COPY requirements.lock ./
RUN /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY triage_rules ./triage_rules
RUN /venv/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
RUN useradd --system --uid 10001 triage
COPY --from=build /venv /venv
WORKDIR /app
COPY service ./service
COPY workers ./workers
COPY rulesets ./rulesets
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1
USER triage
CMD ["gunicorn", "--config", "service/boot/gunicorn.py", "service.boot.app:create_app()"]
