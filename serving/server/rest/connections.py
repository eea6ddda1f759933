"""REST connections that cannot stay for ever, and of which there are not too many.

uvicorn limits the time between two requests, not that of a request which does not come to its end.
"""

import asyncio
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol(seconds: float) -> type[H11Protocol]:
    """A protocol for uvicorn, with a limit to how long the head of a request may take.

    A connection beyond half of the files that the process may open is closed at once: the other
    half is for gRPC, and for whoever looks for versions.

    Args:
        seconds: from the connection, or from the first byte of a further request.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)

    class Impatient(H11Protocol):
        """See `protocol`."""

        _limit: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            """See base class."""
            super().connection_made(transport)
            self._wait()
            if len(self.connections) > files // 2:
                transport.abort()

        def data_received(self, data: bytes) -> None:
            """See base class."""
            super().data_received(data)
            if self.cycle and not self.cycle.response_complete:
                self._wait_no_longer()
            else:
                self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            """See base class."""
            self._wait_no_longer()
            super().connection_lost(exc)

        def _wait(self) -> None:
            self._limit = self._limit or self.loop.call_later(seconds, self.transport.abort)

        def _wait_no_longer(self) -> None:
            if self._limit:
                self._limit.cancel()
            self._limit = None

    return Impatient
