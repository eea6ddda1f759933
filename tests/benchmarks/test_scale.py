"""The command itself, in a process as `make bench-scale` starts it; no figure is asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_a_quick_run_prints_the_tables_and_writes_and_draws_them(tmp_path):
    file, picture = tmp_path / "results.json", tmp_path / "scale.png"
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.scale", "--quick"),
            *("--json", str(file), "--plot", str(picture)),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads(file.read_text())
    least, *sizes = [results["base"], *results["sizes"]]
    assert [size["characters"] for size in sizes] == [44_871, 89_742]
    assert least["characters"] < 44_871 / 16
    for size in (least, *sizes):
        alone = size["stages"]["LyricsExampleGen"]
        assert min(alone["seconds"], alone["cpu"]) > 0
        assert alone["worker"] == 0
        assert alone["peak"] > 100 * 2**20  # TensorFlow
    for size in (least, sizes[0]):
        assert size["on_workers"]["LyricsExampleGen"]["worker"] > 100 * 2**20
    assert "LyricsExampleGen: exponent of memory" in ran.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
