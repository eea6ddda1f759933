"""A gRPC client of the model, for TF Serving and the local server alike. No TensorFlow here."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import grpc

from modules import contract
from modules.errors import ConfigError, ModelNotFound, ModelNotReady, ServingError
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

POLL_SECONDS = 0.1  # between two looks whether the model is ready


class LyricsClient(Connection):
    """Asks a served model to continue, fill in and score texts; a context manager.

        with LyricsClient("localhost:8500") as client:
            client.generate(["分开"], num_chars=50, temperature=0.8, top_k=20)

    Every method raises ServingError where the server cannot be reached or will not answer:
    modules/errors.py has the kinds. Every call has a deadline. Where the server is unavailable a
    call is tried again, up to five times within the deadline, at growing intervals.
    """

    def _open(self, credentials: grpc.ChannelCredentials | None, options: list) -> grpc.Channel:
        if credentials is None:
            return grpc.insecure_channel(self.target, options)
        return grpc.secure_channel(self.target, credentials, options)

    def generate(
        self, prefixes: Sequence[str], *, xla: bool = False, **options: "Unpack[calls.Options]"
    ) -> list[str]:
        """Continues each prefix.

        Args:
            prefixes: texts of one character or more.
            xla: whether to ask for `generate_xla`, of a model that was saved with it.
            **options: see `calls.Options`.

        Returns:
            The prefixes with their continuations.
        """
        return self._ask(calls.generate(prefixes, xla, **options))

    def generate_scored(
        self, prefixes: Sequence[str], *, xla: bool = False, **options: "Unpack[calls.Options]"
    ) -> list[Generated]:
        """As `generate`, and says how likely each continuation is."""
        return self._ask(calls.generate_scored(prefixes, xla, **options))

    def generate_beam(
        self, prefixes: Sequence[str], num_chars: int = 50, width: int = contract.DEFAULT_WIDTH
    ) -> list[list[Generated]]:
        """Looks for the likeliest continuations, not one character at a time but as a whole.

        Args:
            prefixes: texts of one character or more.
            num_chars: characters to append.
            width: texts that the search follows.

        Returns:
            Of each prefix as many texts as the search is wide, the likeliest first.
        """
        return self._ask(calls.generate_beam(prefixes, num_chars, width))

    def stream(
        self, prefix: str, *, chunk: int = CHUNK, **options: "Unpack[calls.Options]"
    ) -> Iterator[str]:
        """Continues one prefix, and gives what has been written as it comes.

        Args:
            prefix: one character or more.
            chunk: characters that a call writes.
            **options: see `calls.Options`; `num_chars` may be more than one call can write.

        Yields:
            What follows the prefix, in pieces: together what `generate` appends.
        """
        stream = Stream(prefix, chunk, **options)
        while call := stream.next_call():
            try:
                answer = self._ask(call)
            except ModelNotFound as error:
                stream.read_anew(error)
            else:
                if piece := stream.take(answer):
                    yield piece

    def start(self, prefixes: Sequence[str]) -> State:
        """Reads the prefixes; `resume` writes on from there."""
        return self._ask(calls.start(prefixes))

    def resume(self, state: State, **options: "Unpack[calls.Options]") -> Resumed:
        """Writes on, with the version that the state is of; see `calls.Options`."""
        return self._ask(calls.resume(state, **options))

    def score(self, texts: Sequence[str]) -> list[Score]:
        """Scores each text, and each of its characters."""
        return self._ask(calls.score(texts))

    def next_char(
        self, prefixes: Sequence[str], top_k: int = contract.DEFAULT_CANDIDATES
    ) -> list[list[Candidate]]:
        """Says what may come next.

        Args:
            prefixes: texts of one character or more.
            top_k: candidates for each of them.

        Returns:
            Of each prefix the candidates, the likeliest first.
        """
        return self._ask(calls.next_char(prefixes, top_k))

    def fill(self, texts: Sequence[str], top_k: int = 5) -> list[Filled]:
        """Says what is missing in each text.

        Args:
            texts: each with a □ (U+25A1) for every missing character.
            top_k: candidates for each of them.
        """
        return self._ask(calls.fill(texts, top_k))

    def status(self) -> list[VersionStatus]:
        """How the model's versions stand, the newest first."""
        return self._statuses(self.timeout)

    def metadata(self) -> Metadata:
        """The signatures of the model, with their inputs and outputs."""
        request = self.metadata_request()
        return read_metadata(self._call(self._predictions.GetModelMetadata, request, self.timeout))

    def wait_until_ready(self, timeout: float = 60) -> int:
        """Waits until the server is there and has loaded the model.

        Args:
            timeout: seconds to wait.

        Returns:
            The version that it serves.

        Raises:
            ConfigError: if there is no such time.
            ModelNotReady: if it was not ready in time; says how it stood in the end.
        """
        end = time.monotonic() + as_number("timeout", timeout, 0, math.inf, ConfigError)
        while True:
            try:
                statuses = self._statuses(min(timeout, self.timeout))
                if version := available(statuses):
                    return version
                reason = "; ".join(map(str, statuses))
            except ServingError as error:
                reason = str(error)
            if time.monotonic() + POLL_SECONDS > end:
                raise ModelNotReady(f"{self.model} is not ready after {timeout:g} s: {reason}")
            time.sleep(POLL_SECONDS)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def __enter__(self) -> "LyricsClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, call: calls.Call[Answer]) -> Answer:
        """The answer to a call; of no rows at once."""
        if not call.rows:
            return call.read(calls.Response())
        request = self.predict_request(call)
        response = self._call(self._predictions.Predict, request, self.timeout)
        return self.read(call, response)

    def _statuses(self, timeout: float) -> list[VersionStatus]:
        request = self.status_request()
        return read_statuses(self._call(self._models.GetModelStatus, request, timeout))

    def _call(self, method: Callable, request: Any, timeout: float) -> Any:
        try:
            return method(request, timeout=timeout)
        except grpc.RpcError as error:
            raise self.failure(error) from error
