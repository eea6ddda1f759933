"""Whether this machine can train in the precision that is asked for."""

from collections.abc import Collection
from pathlib import Path

from modules.errors import TrainingError
from modules.hyperparameters import Precision

# Each of them multiplies bfloat16 and adds up in float32.
BFLOAT16_INSTRUCTIONS = ("avx512_bf16", "amx_bf16")


def cpu_info(field: str) -> str:
    """What Linux tells of the first processor under this name; "" if nothing."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return ""


def cpu_flags() -> set[str]:
    """What the processor can do, in Linux's names."""
    return set(cpu_info("flags").split())


def check_precision(precision: Precision, flags: Collection[str], has_gpu: bool) -> None:
    """Refuses a precision that would be slower here than float32, or not be had at all.

    Args:
        precision: of the products in training.
        flags: of the processor, as `cpu_flags` returns them.
        has_gpu: whether training is done on a GPU, by Keras's layers.

    Raises:
        TrainingError: for bfloat16 without instructions for it, or with a GPU.
    """
    if precision != "bfloat16":
        return
    if has_gpu:
        raise TrainingError(
            "{precision} needs training on a CPU, got a GPU, whose recurrent kernels train in "
            "float32: give {precision:float32}, or hide the GPU",
            {"precision": precision},
        )
    if not set(BFLOAT16_INSTRUCTIONS) & set(flags):
        raise TrainingError(
            f"{{precision}} needs a CPU with {' or '.join(BFLOAT16_INSTRUCTIONS)}, got one with "
            "neither: give {precision:float32}",
            {"precision": precision},
        )
