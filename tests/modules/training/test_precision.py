import pytest

from modules.errors import TrainingError
from modules.training.precision import check_precision, cpu_flags, cpu_info

pytestmark = pytest.mark.fast


@pytest.mark.parametrize("flag", ["avx512_bf16", "amx_bf16"])
def test_either_instruction_will_do(flag):
    check_precision("bfloat16", {"fpu", "avx2", flag}, has_gpu=False)


def test_a_cpu_without_them_is_refused():
    sentence = (
        r"^precision='bfloat16' needs a CPU with avx512_bf16 or amx_bf16, got one with neither: "
        r"give precision='float32'$"
    )
    with pytest.raises(TrainingError, match=sentence):
        check_precision("bfloat16", {"fpu", "avx2", "avx512f"}, has_gpu=False)


def test_a_gpu_is_refused():
    with pytest.raises(TrainingError, match=r"needs training on a CPU, got a GPU, .*'float32'"):
        check_precision("bfloat16", {"amx_bf16"}, has_gpu=True)


@pytest.mark.parametrize("has_gpu", [False, True])
def test_float32_is_to_be_had_everywhere(has_gpu):
    check_precision("float32", set(), has_gpu)


def test_this_processor_tells_what_it_can_do():
    assert "fpu" in cpu_flags()
    assert cpu_info("model name")
    assert cpu_info("model") != cpu_info("model name")
    assert cpu_info("no such field") == ""
