#!/bin/sh
# Makes a base from Debian's packages, where Docker's hub is out of reach. Root and debootstrap.
#   image/base.sh NAME [SUITE [MIRROR]]
set -eu
if [ $# = 0 ]; then echo "usage: image/base.sh NAME [SUITE [MIRROR]]" >&2; exit 2; fi
name=$1
shift
builder=$("$(dirname "$0")/builder.sh")
if ! command -v debootstrap > /dev/null || [ "$(id -u)" != 0 ]; then
    echo "a base from Debian's packages takes root and debootstrap (\`apt-get install debootstrap\`);" \
        "or name one that has Python 3.11, such as BASE=python:3.11-slim-bookworm" >&2
    exit 1
fi
work=$(mktemp -d -p /var/tmp)
trap 'rm -rf "$work"' EXIT

debootstrap --variant=minbase --include=ca-certificates,python3 \
    "${1:-bookworm}" "$work/base" ${2:+"$2"} > "$work/log" || { tail "$work/log" >&2; exit 1; }
chroot "$work/base" apt-get clean
# Debian's slim images go without these too.
(cd "$work/base" && rm -rf var/lib/apt/lists/* usr/share/doc/* usr/share/man/* usr/share/locale/*)
tar -C "$work/base" --exclude='./dev/*' --exclude='./proc/*' --exclude='./sys/*' \
    -cf "$work/base.tar" .
rm -rf "$work/base"
printf 'FROM scratch\nADD base.tar /\n' > "$work/Dockerfile"
$builder build -q -t "$name" "$work"
