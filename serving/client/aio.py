"""The client for asyncio: what `LyricsClient` has, to be awaited. No TensorFlow here."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from modules import contract
from modules.errors import ConfigError, ModelNotFound, ModelNotReady, ServingError
from serving.client.blocking import POLL_SECONDS
from serving.client.connection import Connection
from serving.protocol import calls
from serving.protocol.answers import (
    Candidate,
    Filled,
    Generated,
    Metadata,
    Resumed,
    Score,
    State,
    VersionStatus,
)
from serving.protocol.arguments import as_number
from serving.protocol.inspection import available, read_metadata, read_statuses
from serving.protocol.streaming import CHUNK, Stream

if TYPE_CHECKING:
    from typing_extensions import Unpack

Answer = TypeVar("Answer")


class AsyncLyricsClient(Connection):
    """`LyricsClient` for asyncio: the same methods, with the same arguments and errors.

        async with AsyncLyricsClient("localhost:8500") as client:
            async for piece in client.stream("分开"):
                print(piece, end="", flush=True)

    Open it where an event loop runs; a task that is cancelled cancels its call.
    """

    def _open(self, credentials: grpc.ChannelCredentials | None, options: list) -> grpc.aio.Channel:
        if credentials is None:
            return grpc.aio.insecure_channel(self.target, options)
        return grpc.aio.secure_channel(self.target, credentials, options)

    async def generate(
        self, prefixes: Sequence[str], *, xla: bool = False, **options: "Unpack[calls.Options]"
    ) -> list[str]:
        """Continues each prefix; see `LyricsClient.generate`."""
        return await self._ask(calls.generate(prefixes, xla, **options))

    async def generate_scored(
        self, prefixes: Sequence[str], *, xla: bool = False, **options: "Unpack[calls.Options]"
    ) -> list[Generated]:
        """As `generate`, and says how likely each continuation is."""
        return await self._ask(calls.generate_scored(prefixes, xla, **options))

    async def generate_beam(
        self, prefixes: Sequence[str], num_chars: int = 50, width: int = contract.DEFAULT_WIDTH
    ) -> list[list[Generated]]:
        """Looks for the likeliest continuations; see `LyricsClient.generate_beam`."""
        return await self._ask(calls.generate_beam(prefixes, num_chars, width))

    async def stream(
        self, prefix: str, *, chunk: int = CHUNK, **options: "Unpack[calls.Options]"
    ) -> AsyncIterator[str]:
        """Gives what follows a prefix as it comes; see `LyricsClient.stream`."""
        stream = Stream(prefix, chunk, **options)
        while call := stream.next_call():
            try:
                answer = await self._ask(call)
            except ModelNotFound as error:
                stream.read_anew(error)
            else:
                if piece := stream.take(answer):
                    yield piece

    async def start(self, prefixes: Sequence[str]) -> State:
        """Reads the prefixes; `resume` writes on from there."""
        return await self._ask(calls.start(prefixes))

    async def resume(self, state: State, **options: "Unpack[calls.Options]") -> Resumed:
        """Writes on, with the version that the state is of; see `calls.Options`."""
        return await self._ask(calls.resume(state, **options))

    async def score(self, texts: Sequence[str]) -> list[Score]:
        """Scores each text, and each of its characters."""
        return await self._ask(calls.score(texts))

    async def next_char(
        self, prefixes: Sequence[str], top_k: int = contract.DEFAULT_CANDIDATES
    ) -> list[list[Candidate]]:
        """Says what may come next; see `LyricsClient.next_char`."""
        return await self._ask(calls.next_char(prefixes, top_k))

    async def fill(self, texts: Sequence[str], top_k: int = 5) -> list[Filled]:
        """Says what is missing in each text; see `LyricsClient.fill`."""
        return await self._ask(calls.fill(texts, top_k))

    async def status(self) -> list[VersionStatus]:
        """How the model's versions stand, the newest first."""
        return await self._statuses(self.timeout)

    async def metadata(self) -> Metadata:
        """The signatures of the model, with their inputs and outputs."""
        request = self.metadata_request()
        return read_metadata(
            await self._call(self._predictions.GetModelMetadata, request, self.timeout)
        )

    async def wait_until_ready(self, timeout: float = 60) -> int:
        """Waits for the model; see `LyricsClient.wait_until_ready`."""
        end = time.monotonic() + as_number("timeout", timeout, 0, math.inf, ConfigError)
        while True:
            try:
                statuses = await self._statuses(min(timeout, self.timeout))
                if version := available(statuses):
                    return version
                reason = "; ".join(map(str, statuses))
            except ServingError as error:
                reason = str(error)
            if time.monotonic() + POLL_SECONDS > end:
                raise ModelNotReady(f"{self.model} is not ready after {timeout:g} s: {reason}")
            await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def __aenter__(self) -> "AsyncLyricsClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _ask(self, call: calls.Call[Answer]) -> Answer:
        if not call.rows:
            return call.read(calls.Response())
        request = self.predict_request(call)
        response = await self._call(self._predictions.Predict, request, self.timeout)
        return self.read(call, response)

    async def _statuses(self, timeout: float) -> list[VersionStatus]:
        request = self.status_request()
        return read_statuses(await self._call(self._models.GetModelStatus, request, timeout))

    async def _call(self, method: Callable, request: Any, timeout: float) -> Any:
        try:
            return await method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self.failure(error) from error
