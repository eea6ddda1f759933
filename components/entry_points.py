"""TFX's components that call a function of this project, named by its dotted path.

So named, it is imported from where it lies. (TFX would pack a `module_file` with its whole folder,
and run a copy.) But the cache would not see an edit of it; it sees the digest of its sources.
"""

from typing import Any

from tfx import v1 as tfx

from modules.sources import source_digest


class Transform(tfx.components.Transform):
    """As TFX's Transform, but for the digest."""

    def __init__(self, preprocessing_fn: str, custom_config: dict[str, Any], **rest: Any) -> None:
        config = _with_digest(custom_config, preprocessing_fn)
        super().__init__(preprocessing_fn=preprocessing_fn, custom_config=config, **rest)


class Tuner(tfx.components.Tuner):
    """As TFX's Tuner, but for the digest."""

    def __init__(self, tuner_fn: str, custom_config: dict[str, Any], **rest: Any) -> None:
        config = _with_digest(custom_config, tuner_fn)
        super().__init__(tuner_fn=tuner_fn, custom_config=config, **rest)


class Trainer(tfx.components.Trainer):
    """As TFX's Trainer, but for the digest."""

    def __init__(self, run_fn: str, custom_config: dict[str, Any], **rest: Any) -> None:
        config = _with_digest(custom_config, run_fn)
        super().__init__(run_fn=run_fn, custom_config=config, **rest)


def _with_digest(custom_config: dict[str, Any], function: str) -> dict[str, Any]:
    module, _, _ = function.rpartition(".")
    return custom_config | {"source_digest": source_digest(module)}
