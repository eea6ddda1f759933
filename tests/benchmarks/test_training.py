"""The command itself, in a process as `make bench-training` starts it; no time is asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modules.training.precision import cpu_info

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_a_quick_run_prints_the_table_and_writes_it(tmp_path):
    file = tmp_path / "results.json"
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks.training", "--quick", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    milliseconds = json.loads(file.read_text())["milliseconds"]
    assert {"tfx-lyrics, float32", "tfx-lyrics, bfloat16", "floor, float32"} <= milliseconds.keys()
    assert f"Processor: {cpu_info('model name')}, with " in ran.stdout
    for row, values in milliseconds.items():
        assert row in ran.stdout
        assert values["rnn"] > 0
