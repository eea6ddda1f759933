#!/bin/sh
# Builds the image: image/build.sh [FLAG...], flags being the builder's own.
#   IMAGE    its name (tfx-lyrics)
#   BUILDER  docker, podman or buildah, with flags that go before `build`; else the first found
set -eu
cd "$(dirname "$0")/.."
builder=$(image/builder.sh)
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT

# As this machine reaches its package index, so does the build. Neither is kept in the image.
export -p | grep -E '^(export|declare -x) (PIP_[A-Z_]*(INDEX|HOST)|UV_[A-Z_]*(INDEX|HOST)|[A-Za-z]+_(proxy|PROXY))' \
    > "$secrets/registries" || true
cat "${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}" > "$secrets/certificates" 2> /dev/null \
    || rm "$secrets/certificates"
for secret in "$secrets"/*; do
    set -- --secret "id=${secret##*/},src=$secret" "$@"
done
case $builder in
    docker*) ;;
    *) set -- --format docker "$@" ;; # OCI's own format has no health check
esac

$builder build -t "${IMAGE:-tfx-lyrics}" \
    --build-arg "VERSION=$(sed -n 's/^ *version="\(.*\)",$/\1/p' setup.py)" \
    --build-arg "REVISION=$(git rev-parse HEAD 2> /dev/null || echo unknown)" \
    "$@" .
