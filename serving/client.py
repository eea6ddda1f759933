"""A gRPC client of the model, for TF Serving and the local server alike.

Importing this imports the whole of TensorFlow (3 s, 0.5 GB): the messages that
tensorflow-serving-api generates need `tensorflow.core.framework.tensor_pb2`, which Python
cannot import without `tensorflow/__init__.py`. So a command line imports this module when it
is about to ask, not before.
"""

import re
import time
from collections.abc import Sequence

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)
from tensorflow_serving.apis.get_model_status_pb2 import ModelVersionStatus

from modules import features
from modules.errors import ServingError
from serving.answers import Candidate, Filled, Score

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),  # a server that has just started is found soon
    ("grpc.max_reconnect_backoff_ms", 1000),
]
_POLL_SECONDS = 0.1
_NODES = re.compile(r"\s*\[\[.*?\]\]")  # the graph's nodes, which TensorFlow adds to a sentence
_EXPLANATIONS = {
    grpc.StatusCode.UNAVAILABLE: (
        "no server answers at {target}: start one with `lyrics serve`, or give another's host:port"
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "the server at {target} did not answer within {timeout:g} s: "
        "ask for less, or give a longer timeout"
    ),
    grpc.StatusCode.NOT_FOUND: (
        "the server at {target} does not serve {model} ({sentence}): "
        "give the name and version that it serves, or push a model"
    ),
    grpc.StatusCode.FAILED_PRECONDITION: (
        "{model} at {target} cannot do this ({sentence}): serve one that this pipeline has pushed, "
        "trained with --task fill to `fill`, with --task language to `generate`"
    ),
    grpc.StatusCode.INVALID_ARGUMENT: "the server at {target} refused the request: {sentence}",
}
_OTHER_EXPLANATION = "the server at {target} failed with {code} ({sentence}): see its log"


class LyricsClient:
    """Asks a served model to continue, fill in and score texts; a context manager.

    Every method raises ServingError where the server cannot be reached or will not answer, and
    every call has a deadline.
    """

    def __init__(
        self,
        target: str = f"localhost:{features.GRPC_PORT}",
        model_name: str = features.MODEL_NAME,
        timeout: float = 30,
        version: int | None = None,
    ) -> None:
        """Opens a channel; the first call connects.

        Args:
            target: `host:port` of the server.
            model_name: what the server calls the model.
            timeout: seconds that a call may take.
            version: the version to ask; None is the newest.
        """
        self.target = target
        self._timeout = timeout
        self._spec = model_pb2.ModelSpec(name=model_name)
        if version is not None:
            self._spec.version.value = version
        self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        self._predictions = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)
        self._models = model_service_pb2_grpc.ModelServiceStub(self._channel)

    def generate(
        self,
        prefixes: Sequence[str],
        num_chars: int = 50,
        temperature: float = 0.0,
        top_k: int = 0,
        seed: int = 0,
    ) -> list[str]:
        """Continues each prefix by `num_chars` characters.

        Args:
            prefixes: texts of one character or more.
            num_chars: characters to append.
            temperature: 0 is greedy; 1 is the model's own distribution.
            top_k: draw from the k likeliest characters; 0 is from all.
            seed: the same seed draws the same characters, in every row.

        Returns:
            The prefixes with their continuations.
        """
        if not prefixes:
            return []
        outputs = self._predict(
            features.GENERATE,
            {
                features.PREFIX: (tf.string, prefixes),
                features.NUM_CHARS: (tf.int32, [num_chars] * len(prefixes)),
                features.TEMPERATURE: (tf.float32, [temperature] * len(prefixes)),
                features.TOP_K: (tf.int32, [top_k] * len(prefixes)),
                features.SEED: (tf.int64, [seed] * len(prefixes)),
            },
        )
        return [text.decode() for text in outputs[features.TEXT]]

    def score(self, texts: Sequence[str]) -> list[Score]:
        """Scores each text."""
        if not texts:
            return []
        outputs = self._predict(features.SCORE, {features.TEXT: (tf.string, texts)})
        columns = (outputs[n] for n in (features.NATS, features.CHARACTERS, features.PERPLEXITY))
        return [Score(*row) for row in zip(*columns, strict=True)]

    def fill(self, texts: Sequence[str], top_k: int = 5) -> list[Filled]:
        """Says what is missing in each text.

        Args:
            texts: each with a □ (U+25A1) for every missing character.
            top_k: candidates for each of them.
        """
        if not texts:
            return []
        outputs = self._predict(
            features.FILL,
            {
                features.TEXT: (tf.string, texts),
                features.TOP_K: (tf.int32, [top_k] * len(texts)),
            },
        )
        answers = []
        for text, filled, *ranked in zip(
            texts,
            *(outputs[n] for n in (features.TEXT, features.CANDIDATES, features.PROBABILITIES)),
            strict=True,
        ):
            blanks = list(map(_candidates, *ranked))[: text.count(features.BLANK)]
            answers.append(Filled(filled.decode(), blanks))
        return answers

    def wait_until_ready(self, timeout: float = 60) -> int:
        """Waits until the server is there and has loaded the model.

        Args:
            timeout: seconds to wait.

        Returns:
            The version that it serves.

        Raises:
            ServingError: if it was not ready in time; says how it stood in the end.
        """
        end = time.monotonic() + timeout
        while True:
            try:
                statuses = self._versions(min(timeout, self._timeout))
            except grpc.RpcError as error:
                reason = self._explain(error)
            else:
                for status in statuses:
                    if status.state == ModelVersionStatus.AVAILABLE:
                        return status.version
                reason = "; ".join(map(_describe, statuses))
            if time.monotonic() + _POLL_SECONDS > end:
                raise ServingError(f"{self._model} is not ready after {timeout:g} s: {reason}")
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()

    def __enter__(self) -> "LyricsClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _predict(
        self, signature_name: str, inputs: dict[str, tuple[tf.DType, Sequence]]
    ) -> dict[str, list]:
        """Values of a signature's outputs by name, one per row."""
        request = predict_pb2.PredictRequest(model_spec=self._spec)
        request.model_spec.signature_name = signature_name
        for name, (dtype, values) in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, dtype))
        try:
            response = self._predictions.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            raise ServingError(self._explain(error)) from error
        return {name: tf.make_ndarray(proto).tolist() for name, proto in response.outputs.items()}

    def _versions(self, timeout: float) -> Sequence[ModelVersionStatus]:
        request = get_model_status_pb2.GetModelStatusRequest(model_spec=self._spec)
        return self._models.GetModelStatus(request, timeout=timeout).model_version_status

    def _explain(self, error: grpc.RpcError) -> str:
        """What a failed call means and what to do about it, in one line."""
        code, details = error.code(), error.details() or ""
        return _EXPLANATIONS.get(code, _OTHER_EXPLANATION).format(
            target=self.target,
            model=self._model,
            timeout=self._timeout,
            code=code.name,
            sentence=" ".join(_NODES.sub("", details).split()).rstrip("."),
        )

    @property
    def _model(self) -> str:
        version = self._spec.version.value if self._spec.HasField("version") else None
        return f"model '{self._spec.name}'" + (f", version {version}" if version else "")


def _candidates(characters: list[bytes], probabilities: list[float]) -> list[Candidate]:
    """Of one blank, without the empty ones that fill up its row."""
    ranked = zip(characters, probabilities, strict=True)
    return [Candidate(character.decode(), p) for character, p in ranked if character]


def _describe(status: ModelVersionStatus) -> str:
    """`version 3 is END (the error)`."""
    message = status.status.error_message
    state = ModelVersionStatus.State.Name(status.state)
    return f"version {status.version} is {state}" + (f" ({message})" if message else "")
