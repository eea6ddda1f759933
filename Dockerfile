# The image that Kubeflow's tasks run in, and Beam's workers: the project as it is installed here.
FROM python:3.11-slim-bookworm

WORKDIR /tfx-lyrics
COPY setup.py pyproject.toml constraints.txt LICENSE ./
COPY pipeline pipeline
COPY components components
COPY modules modules
COPY serving serving
COPY data data
RUN grep '^uv==' constraints.txt | pip install --no-cache-dir -r /dev/stdin \
    && uv pip install --system --no-cache --compile-bytecode -c constraints.txt -e .
