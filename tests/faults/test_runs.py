"""The kinds of faults of a run that are cheap, each once; `make test-faults` has them all."""

from random import Random

import pytest

from tests.faults import runs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]  # a busy machine is no mistake

KINDS = [kind for kind in runs.KINDS if kind.short]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    with runs.place(tmp_path_factory.mktemp("faults") / "runs") as root:
        yield root


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_it_is_survived_or_refused_in_one_line_and_leaves_nothing(root, kind):
    found = kind.inject(root, Random(kind.short))
    assert found.injected
    assert (found.lost, found.left) == ([], []), found.did
