import json
import math

import pytest

from pipeline.console import machines
from serving.protocol.answers import Score

pytestmark = pytest.mark.fast


def test_json_of_scores_and_of_texts(capsys):
    machines.print_json([Score(2.5, 4, -math.inf)])
    assert json.loads(capsys.readouterr().out) == [
        {"nats": 2.5, "characters": 4, "perplexity": None, "scored": [], "unknown": ""}
    ]
    machines.print_json(["分\n开", "[red]" * 40])
    output = capsys.readouterr().out
    assert json.loads(output) == ["分\n开", "[red]" * 40]
    assert "分" in output
