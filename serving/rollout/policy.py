"""Which versions of a model are served, and what they are called. Needs no TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modules.errors import ConfigError

STABLE = "stable"  # what clients are meant to ask
CANARY = "canary"  # what some of them try before it is promoted


@dataclass(frozen=True)
class Policy:
    """Labels of versions. What has a label is served; where nothing has, the newest is.

    A server answers a request that names no version and no label with the largest version that
    it serves, whatever that is called.

    Attributes:
        labels: versions by label.
        promoted: the versions that came to be `stable`, oldest first: the last one is, those
            that were rolled back are not among them.
    """

    labels: Mapping[str, int] = field(default_factory=dict)
    promoted: tuple[int, ...] = ()

    @property
    def versions(self) -> list[int]:
        """What is served, ascending; none stands for the newest."""
        return sorted(set(self.labels.values()))

    def promote(self, version: int) -> "Policy":
        """Makes a version the stable one."""
        if self.labels.get(STABLE) == version:
            return self
        return Policy({**self.labels, STABLE: version}, (*self.promoted, version))

    def roll_back(self) -> "Policy":
        """Promotes what was promoted before; every label of the one withdrawn goes there too.

        Raises:
            ConfigError: if nothing was.
        """
        if len(self.promoted) < 2:
            raise ConfigError(
                f"nothing to roll back to: versions promoted so far are {list(self.promoted)}; "
                "promote the one that you want"
            )
        *before, previous, withdrawn = self.promoted
        labels = {
            label: previous if version == withdrawn else version
            for label, version in self.labels.items()
        }
        return Policy(labels, (*before, previous))

    def label(self, label: str, version: int) -> "Policy":
        """Gives a version another label than `stable`.

        Raises:
            ConfigError: if the label is `stable`, or no version is.
        """
        if label == STABLE:
            raise ConfigError(f"label={STABLE!r} is given by promoting version {version}: do that")
        if STABLE not in self.labels:
            raise ConfigError(
                f"no version is {STABLE!r}, so {label!r} would be the only one: promote one first"
            )
        return Policy({**self.labels, label: version}, self.promoted)
