import pytest

from modules.errors import ConfigError
from serving.rollout.policy import Policy


def test_without_labels_the_newest_is_served():
    assert Policy().versions == []


def test_what_has_a_label_is_served():
    policy = Policy().promote(41).promote(42).label("canary", 43)
    assert policy == Policy({"stable": 42, "canary": 43}, (41, 42))
    assert policy.versions == [42, 43]


def test_promoting_the_stable_one_changes_nothing():
    policy = Policy().promote(41).promote(42)
    assert policy.promote(42) == policy


def test_a_canary_that_is_promoted_keeps_its_label():
    policy = Policy().promote(41).label("canary", 42).promote(42)
    assert policy == Policy({"stable": 42, "canary": 42}, (41, 42))


def test_rolling_back_goes_on_to_the_first():
    policy = Policy().promote(43).promote(41).promote(42)
    policy = policy.roll_back()
    assert policy == Policy({"stable": 41}, (43, 41))
    policy = policy.roll_back()
    assert policy == Policy({"stable": 43}, (43,))
    with pytest.raises(ConfigError, match=r"nothing to roll back to: .* \[43\]; promote the one"):
        policy.roll_back()


def test_every_label_of_what_is_withdrawn_goes_back():
    """Else it would still be served, and as the largest answer who asks for no label."""
    policy = Policy().promote(41).label("canary", 42).promote(42).roll_back()
    assert policy == Policy({"stable": 41, "canary": 41}, (41,))
    assert policy.versions == [41]


def test_another_canary_stays_one():
    policy = Policy().promote(41).promote(42).label("canary", 43).roll_back()
    assert policy.labels == {"stable": 41, "canary": 43}


def test_labels_that_make_no_sense_are_refused():
    with pytest.raises(ConfigError, match=r"no version is 'stable', .*: promote one first"):
        Policy().label("canary", 42)
    with pytest.raises(ConfigError, match="'stable' is given by promoting version 42"):
        Policy().promote(41).label("stable", 42)
