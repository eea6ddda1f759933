"""The generic package names are this distribution's and nobody else's."""

from importlib.metadata import packages_distributions

import pytest

pytestmark = pytest.mark.fast


def test_all_four_packages_belong_to_this_distribution():
    owners = packages_distributions()
    for package in ("pipeline", "components", "modules", "serving"):
        assert set(owners[package]) == {"tfx-lyrics"}
