"""What the cache has to know of the world outside: what the input pattern stands for."""

import logging

from components import drivers
from components.executors import Artifacts, Properties
from components.lyrics_example_gen.executor import INPUT_PATTERN
from components.lyrics_example_gen.source import FINGERPRINT, resolve
from modules.errors import LyricsError

_logger = logging.getLogger(__name__)


class Driver(drivers.Driver):
    """Makes span, version and fingerprint execution properties.

    Then the cache misses when the data change, and only then.
    """

    def properties(self, exec_properties: Properties, inputs: Artifacts) -> dict[str, int | str]:
        """See base class."""
        try:
            return resolve(exec_properties[INPUT_PATTERN]).properties()
        except LyricsError as error:
            _logger.debug("cannot resolve the input: %s", error)
            return {FINGERPRINT: ""}
