"""What is installed, and what the distribution says of itself."""

import hashlib
import sys
from importlib.metadata import distribution, metadata, packages_distributions
from pathlib import Path

import farmhash
import pytest

pytestmark = pytest.mark.fast


def test_all_four_packages_belong_to_this_distribution():
    owners = packages_distributions()
    for package in ("pipeline", "components", "modules", "serving"):
        assert set(owners[package]) == {"tfx-lyrics"}


def test_the_code_is_under_the_apache_licence_whose_text_is_the_standard_one():
    installed = metadata("tfx-lyrics")
    assert installed["License-Expression"] == "Apache-2.0"
    assert installed["License-File"] == "LICENSE"
    text = (Path(__file__).resolve().parents[1] / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == (
        "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
    )


@pytest.mark.skipif(sys.version_info < (3, 11), reason="pyfarmhash has no wheels for Python 3.10")
def test_no_compiler_is_needed_for_pyfarmhash():
    installed = distribution("pyfarmhash")
    assert tuple(map(int, installed.version.split("."))) >= (0, 5)
    assert "manylinux" in (installed.read_text("WHEEL") or "")


@pytest.mark.parametrize(
    ("text", "fingerprint32", "fingerprint64"),
    [
        ("", 3696677242, 11160318154034397263),
        ("a", 1016544589, 12917804110809363939),
        ("分开", 99439369, 3928709823353129698),
        ("春天来了 我往下发", 2838106584, 18391841822534353806),
        ("词" * 500, 3363822437, 9783014273384447747),
    ],
)
def test_pyfarmhash_makes_the_fingerprints_of_the_version_that_data_validation_asks_for(
    text, fingerprint32, fingerprint64
):
    assert farmhash.fingerprint32(text) == fingerprint32
    assert farmhash.fingerprint64(text) == fingerprint64
