import pytest

from pipeline.console import progress

pytestmark = pytest.mark.fast


def test_progress_in_a_pipe_is_a_line_for_each_stage(capsys):
    with progress.progress() as on_stage:
        on_stage("Trainer", 6, 10)
    captured = capsys.readouterr()
    assert captured.err.split()[1:] == ["s", "7/10", "Trainer"]
    assert captured.out == ""
