# The gateway and the reference backends in one image; the first argument says which.
# The gateway's forwarding path is compiled, and what was compiled is tested (docs/adr/0008-compiled-path.md).
FROM python:3.13 AS builder
WORKDIR /build
RUN python -m venv --without-pip /opt/crossfade
COPY requirements.lock requirements.runtime.lock ./
RUN pip --python /opt/crossfade/bin/python install --no-cache-dir --require-hashes -r requirements.runtime.lock \
    && pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml setup.cfg README.md LICENSE ./
COPY gateway gateway
COPY backends backends
COPY compiled compiled
COPY config config
COPY tests tests
RUN python compiled/build.py \
    && cd var/compiled \
    && python -m pytest -n 2 tests/core tests/wire tests/policy tests/downstream tests/upstream tests/proxy tests/conformance
RUN pip --python /opt/crossfade/bin/python install --no-cache-dir --no-deps var/compiled/dist/*.whl

FROM python:3.13-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin crossfade \
    && install -d -o crossfade -g crossfade /app /app/var
COPY --from=builder /opt/crossfade /opt/crossfade
COPY config /app/config
ENV PATH=/opt/crossfade/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app
USER crossfade
EXPOSE 8080 9901
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/health', timeout=2)"]
ENTRYPOINT ["crossfade"]
CMD ["run", "-c", "/app/config/gateway.yaml"]
