"""The chart, and the command that draws it."""

import json

import matplotlib.image
import numpy as np
import pytest
from click.testing import CliRunner

from modules.network.gradient_flow import CELLS, survey
from pipeline.cli import main
from pipeline.console import charts

OPTIONS = {"num_steps": 6, "num_hiddens": 4, "clip_norm": 0.5, "seed": 1}


def lyrics_bptt(*arguments):
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in OPTIONS.items()]
    return CliRunner().invoke(main, ["bptt", *flags, *arguments])


def test_the_numbers_in_the_json_are_those_drawn(tmp_path):
    path = tmp_path / "new" / "chart.png"
    result = lyrics_bptt("--gain=0.5", "--gain=2", "--json", "-o", str(path))
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {name: found[name] for name in OPTIONS} == OPTIONS

    figure = charts.gradient_flow(survey((0.5, 2.0), **OPTIONS))
    for panel, gain in zip(figure.axes, (0.5, 2), strict=True):
        curves = [curve for curve in found["curves"] if curve["gain"] == gain]
        drawn = {tuple(line.get_ydata()) for line in panel.lines}
        expected = [curve["norms"] for curve in curves] + [
            curve["clipped_norms"] for curve in curves if curve["gradient_norm"] > 0.5
        ]
        assert drawn == {tuple(norms[::-1]) for norms in expected}
        assert len(panel.lines) == len(expected)
        names = sorted(text.get_text() for text in panel.texts)
        assert names == ["GRU", "LSTM", "RNN", "linear RNN"]
        heights = sorted(text.get_position()[1] for text in panel.texts)
        assert np.diff(heights).min() > 0.04  # none is written over another
        assert panel.get_yscale() == "log"

    image = matplotlib.image.imread(path)
    assert image.shape[0] >= 600
    assert image.shape[1] >= 900
    assert image.std() > 0.05  # it is not blank


def test_for_people_it_is_a_table(tmp_path):
    path = tmp_path / "chart.png"
    result = lyrics_bptt("--gain=1", "-o", str(path))
    assert result.exit_code == 0, result.output
    assert all(f" {cell} " in result.stdout for cell in CELLS)
    assert "closed form of section 6.6" in result.stdout
    assert result.stdout.endswith(f"Drawn in {path}\n")
    assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("arguments", [["--gain=0"], ["--num-steps=1"], ["-o", "."]])
def test_bad_options_are_refused(arguments):
    assert lyrics_bptt(*arguments).exit_code == 2


def test_gradients_too_large_are_one_line_and_no_picture(tmp_path):
    path = tmp_path / "chart.png"
    result = lyrics_bptt("--gain=10", "--num-steps=100", "-o", str(path))
    assert result.exit_code == 1
    assert "exceed float32" in result.output
    assert "Traceback" not in result.output
    assert not path.exists()


def test_what_vanishes_altogether_is_no_obstacle(tmp_path):
    result = lyrics_bptt("--gain=0.01", "--num-steps=40", "--json", f"-o{tmp_path / 'chart.png'}")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["curves"][0]["norms"][0] == 0  # less than float32 can hold
    assert matplotlib.image.imread(tmp_path / "chart.png").std() > 0.05
