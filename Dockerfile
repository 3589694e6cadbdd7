# The emulator as a service; docs/how-to-serve.md shows how to use it:
#   docker build --tag flow64-emulator .
#   docker run --publish 127.0.0.1:6464:6464 flow64-emulator

FROM python:3.13-slim AS build
WORKDIR /build
COPY requirements requirements
COPY pyproject.toml hatch_build.py README.md LICENSE ./
COPY src src
RUN python -m venv /opt/flow64 \
    && python -m pip install --no-cache-dir --constraint requirements/dev.txt uv \
    && uv pip install --no-cache --python /opt/flow64/bin/python \
        --build-constraints requirements/dev.txt --requirement requirements/demo.txt .

FROM python:3.13-slim
COPY --from=build /opt/flow64 /opt/flow64
ENV PATH="/opt/flow64/bin:$PATH" PYTHONUNBUFFERED=1
# A number, so that Kubernetes sees that it is not root. /data is for --store.
RUN useradd --system --uid 10001 --create-home --home-dir /data emulator
USER 10001
WORKDIR /data
EXPOSE 6464
# Without a proxy, which an image can inherit from its surroundings.
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s CMD ["python", "-c", \
    "import urllib.request as web; web.build_opener(web.ProxyHandler({})).open('http://127.0.0.1:6464/_emulator/health', timeout=2)"]
ENTRYPOINT ["flow64", "serve", "--host", "0.0.0.0", "--port", "6464"]
CMD ["--allow-name", "emulator"]
