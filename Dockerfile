# One image for the `lyrics` command, each step on Kubeflow, Beam's workers and the local server.
# docs/image.md says how it is built and tried, image/unneeded.txt what it goes without.
ARG BASE=python:3.11-slim-bookworm

# What installs, strips and compiles stays behind in this stage.
FROM ${BASE} AS build
# `tensorflow` has CUDA's kernels too: 0.5 GB more, for a BASE that brings CUDA's libraries.
ARG TENSORFLOW=tensorflow-cpu
# Debian's own python3 has its ensurepip in a package apart.
RUN apt-get update && apt-get install -y --no-install-recommends binutils \
        $(python3 -c 'import ensurepip' 2>&- || echo python3-venv)
WORKDIR /opt/tfx-lyrics
COPY setup.py pyproject.toml constraints.txt LICENSE ./
COPY image/install.sh image/compile.sh image/slim.py image/unneeded.txt image/
# Both secrets are optional: how this machine reaches a package index (image/build.sh).
RUN --mount=type=secret,id=registries --mount=type=secret,id=certificates \
    image/install.sh "$TENSORFLOW"
COPY pipeline pipeline
COPY components components
COPY modules modules
COPY serving serving
COPY data data
COPY image/health.py image/
RUN image/compile.sh pipeline components modules serving

FROM ${BASE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tfx-lyrics" \
      org.opencontainers.image.description="A TFX pipeline for character-level language models of song lyrics" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Any user id will do, in group 0 as OpenShift has it; what is written goes to volumes and /tmp.
# Nobody becomes root here, and nobody installs.
# The bundled corpus is data/lyrics.zip from there too, as `lyrics kubeflow compile` names it.
RUN mkdir -p -m 775 /home/lyrics/runs && chmod 775 /home/lyrics && chown -R 10001:0 /home/lyrics \
    && ln -s /opt/tfx-lyrics/data /home/lyrics/data \
    && find / -xdev -perm /6000 -type f -exec chmod a-s {} + \
    && rm -rf /usr/local/bin/pip* /usr/local/lib/python3*/ensurepip \
        /usr/local/lib/python3*/site-packages/*
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/tfx-lyrics /opt/tfx-lyrics
# A user id without a name has no home either; the cache of fonts needs a place to be written.
ENV PATH=/opt/venv/bin:$PATH \
    HOME=/home/lyrics \
    USER=lyrics \
    LANG=C.UTF-8 \
    MPLCONFIGDIR=/tmp/matplotlib \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
USER 10001:0
WORKDIR /home/lyrics
HEALTHCHECK --interval=10s --timeout=10s --start-period=180s \
    CMD ["python", "/opt/tfx-lyrics/image/health.py"]
ENTRYPOINT ["lyrics"]
CMD ["--help"]
