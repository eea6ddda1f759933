"""Digests of the project's own code, so that TFX's cache sees an edit.

TFX keys its cache by inputs and options. An entry point is named by a dotted path, so an
edit behind it would go unseen; the digest of the code that it reaches is passed along as an
option.
"""

import ast
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("pipeline", "components", "modules", "serving")


@lru_cache
def source_digest(*modules: str) -> str:
    """SHA-256, shortened, over the sources of `modules` and all of this project they import."""
    total = hashlib.sha256()
    for name in sorted(import_closure(*modules)):
        total.update(f"{name}\0".encode() + _source(name) + b"\0")
    return total.hexdigest()[:16]


def import_closure(*modules: str) -> set[str]:
    """`modules` and every module of this project that they import, directly or not."""
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_imports(name))
    return found


def _imports(module: str) -> Iterator[str]:
    if "." in module:
        yield module.rpartition(".")[0]  # a package is run before what it holds
    for node in ast.walk(ast.parse(_source(module))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from (name for name in names if _is_ours(name))


def _is_ours(name: str) -> bool:
    if name.split(".")[0] not in PACKAGES:
        return False
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # `from module import function`: the parent is no package
        return False


def _source(module: str) -> bytes:
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"no module {module!r}: name one of this project's")
    return Path(spec.origin).read_bytes()
