"""The asyncio client behind the methods of the other, so that one test can ask both."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

from serving.client.aio import AsyncLyricsClient
from serving.client.blocking import LyricsClient


class BlockingAsyncClient:
    """An `AsyncLyricsClient` of its own event loop; every method runs to its end."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._client = self._loop.run_until_complete(self._open(*args, **options))

    async def _open(self, *args: Any, **options: Any) -> AsyncLyricsClient:
        return AsyncLyricsClient(*args, **options)

    def __getattr__(self, name: str) -> Callable:
        method = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            answer = method(*args, **options)
            return self._loop.run_until_complete(
                _collect(answer) if inspect.isasyncgen(answer) else answer
            )

        return call

    def __enter__(self) -> "BlockingAsyncClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.close()


async def _collect(pieces: Any) -> list:
    return [piece async for piece in pieces]


CLIENTS = [LyricsClient, BlockingAsyncClient]
