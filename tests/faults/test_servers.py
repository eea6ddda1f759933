"""The kinds of faults of a server, each once and small; `make test-faults` has them large."""

from random import Random

import pytest

from tests.faults import servers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine is no mistake

SIZES = servers.Sizes(clients=16, each=5, odd=8, swaps=1, many=1_000)
KINDS = [kind for kind in servers.KINDS if kind.short]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with servers.place(tmp_path_factory.mktemp("faults"), SIZES) as place:
        yield place


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_whoever_asks_what_makes_sense_is_answered_and_nothing_grows(place, kind):
    found = kind.inject(place, Random(kind.short))
    assert found.injected
    assert (found.lost, found.left) == ([], []), found.did
