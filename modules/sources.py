"""Digests of the project's own code, so that TFX's cache sees an edit.

TFX keys its cache by inputs and options. An entry point is named by a dotted path, so an
edit behind it would go unseen; the digest of the code that it reaches is passed along as an
option.
"""

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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


@lru_cache
def _imports(module: str) -> list[str]:
    """What a module runs, of this project: its package, and what it imports."""
    found = [module.rpartition(".")[0]] if "." in module else []
    for node in ast.walk(ast.parse(_source(module))):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        found += [name for name in names if _file(name)]
    return found


def _source(module: str) -> bytes:
    file = _file(module)
    if file is None:
        raise ModuleNotFoundError(f"no module {module!r}: name one of {', '.join(PACKAGES)}")
    return file.read_bytes()


def _file(module: str) -> Path | None:
    """Where a module of this project is; found without importing it, or what it is in."""
    if module.split(".")[0] not in PACKAGES:
        return None
    path = ROOT.joinpath(*module.split("."))
    files = (path / "__init__.py", path.with_suffix(".py"))
    return next((file for file in files if file.is_file()), None)
