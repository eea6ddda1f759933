import pytest

from pipeline.console import ranked
from serving.protocol.answers import Candidate

pytestmark = pytest.mark.fast


def test_candidates_are_ranked_under_their_prefix(capsys):
    ranked.print_candidates(["春\n天", "[b]"], [[Candidate("来", 0.5), Candidate(" ", 0.25)], []])
    assert capsys.readouterr().out == "春 天\n    来 50.0%   space 25.0%\n[b]\n    \n"
