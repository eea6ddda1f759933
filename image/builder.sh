#!/bin/sh
# Prints the command that handles images here: $BUILDER, else the first that works.
if [ -n "${BUILDER:-}" ]; then
    echo "$BUILDER"
elif docker info > /dev/null 2>&1; then # a client alone builds nothing
    echo docker
elif command -v podman > /dev/null; then
    echo podman
elif command -v buildah > /dev/null; then
    echo buildah
else
    echo "no docker, podman or buildah here: install one, for example with \`apt-get install podman\`" >&2
    exit 1
fi
