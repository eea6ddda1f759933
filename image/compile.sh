#!/bin/sh
# Compiles folders to bytecode that is never held against the sources: they do not change any more.
exec /opt/venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash "$@"
