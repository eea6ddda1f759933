"""What a language model writes when it is served: whole texts, texts in parts, the next character.

A text is written by `generate` in one call, or by `start` and then `resume` over and over, with
the state going to the client and back: a server keeps none. Both run the same loop.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from modules import features
from modules.generation.beam_search import search
from modules.generation.decoding import NOTHING, Request, Writer, writer
from modules.generation.reading import Reading, last_characters, read
from modules.generation.sampling import Distribution
from modules.network.model import LanguageModel
from modules.network.stack import States
from modules.signatures.requests import (
    Check,
    Tensors,
    check_beam,
    check_options,
    check_state,
    check_texts,
    check_top_k,
    signature,
    specs,
)
from modules.signatures.servable import WARMUP_TEXT, Servable
from modules.vocabulary.indices import Vocabulary

_BEAM = {
    features.NUM_CHARS: features.OPTIONS[features.NUM_CHARS],
    features.WIDTH: features.DEFAULT_WIDTH,
}


class ServableWriter(Servable):
    """A language model that writes.

    The inputs and outputs of its signatures are those in `features`.

    Args:
        model: the model.
        vocabulary: what it was trained with.
        unigram: see `Servable`.
        xla: whether it has `generate_xla`.

    Attributes:
        generate: writes on from each prefix; `text` is the prefix and what follows it.
        generate_xla: the same, compiled by XLA for each number of prefixes when it first comes,
            which takes a second or two. TF Serving refuses that unless it was started with
            `--xla_cpu_compilation_enabled`; so no warm-up request asks for it, or such a server
            could not load the model at all.
        serving_default: the same, with what makes a lyric.
        start: reads each prefix; what it returns is for `resume`.
        resume: writes on; `text` is the new characters only.
        next_char: ranks what may follow each prefix. As in drawing, `<unk>` does not: the others
            share what it would have.
        generate_beam: the likeliest texts that a beam search finds.
    """

    signatures: tuple[str, ...] = (
        features.GENERATE,
        features.SERVING_DEFAULT,
        features.START,
        features.RESUME,
        features.NEXT_CHAR,
        features.GENERATE_BEAM,
        *Servable.signatures,
    )

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        unigram: tf.Tensor,
        xla: bool = False,
    ) -> None:
        super().__init__(model, vocabulary, unigram)
        self._write = writer(model)
        zeros = model.initial_state(1)
        self._state_names = (features.H, features.C)[: len(zeros[0])]
        shape = [None, len(zeros), zeros[0][0].shape[-1]]
        state = {name: tf.TensorSpec(shape, tf.float32) for name in self._state_names}
        self.generate = _generating(self._generate)
        if xla:
            self._write_compiled = writer(model, compiled=True)
            self.generate_xla = _generating(self._generate_compiled)
            self.signatures = (*self.signatures, features.GENERATE_XLA)
        self.serving_default = signature(self._lyric, specs(features.PREFIX), _check_prefix)
        self.start = signature(self._start, specs(features.PREFIX), _check_prefix)
        self.resume = signature(
            self._resume,
            specs(features.RECENT, features.POSITION) | state | specs(*features.OPTIONS),
            lambda inputs: [*check_state(inputs), *check_options(inputs)],
            features.OPTIONS,
        )
        self.next_char = signature(
            self._next_char,
            specs(features.PREFIX, features.TOP_K),
            lambda inputs: [*_check_prefix(inputs), *check_top_k(inputs[features.TOP_K])],
            {features.TOP_K: features.DEFAULT_CANDIDATES},
        )
        self.generate_beam = signature(
            self._generate_beam,
            specs(features.PREFIX, *_BEAM),
            lambda inputs: [*_check_prefix(inputs), *check_beam(inputs)],
            _BEAM,
        )

    def sample(self, prefix: str) -> str:
        """The likeliest text after `prefix`."""
        return self.generate(prefix=tf.constant([prefix]))[features.TEXT].numpy()[0].decode()

    def _warmup_requests(self) -> list[tuple[str, dict[str, Any]]]:
        """See base class; what is written goes through every loop of `decoding`."""
        prefix = {features.PREFIX: [WARMUP_TEXT]}
        state = self.start(prefix=tf.constant([WARMUP_TEXT]))
        unread = {name: value.numpy() for name, value in state.items()}
        requests: list[tuple[str, dict[str, Any]]] = [
            (features.SERVING_DEFAULT, prefix),
            (features.START, prefix),
            (features.NEXT_CHAR, prefix | {features.TOP_K: [features.DEFAULT_CANDIDATES]}),
            (features.GENERATE_BEAM, prefix | {name: [value] for name, value in _BEAM.items()}),
        ]
        for changes in ({}, {features.TEMPERATURE: 0.8}, {features.STOP: "\n"}):
            options = {name: [value] for name, value in (features.OPTIONS | changes).items()}
            requests += [(features.GENERATE, prefix | options), (features.RESUME, unread | options)]
        return [*super()._warmup_requests(), *requests]

    def _read(self, prefix: tf.Tensor) -> Reading:
        return read(self._model(), self._vocabulary.encode(prefix))

    def _generate(self, inputs: Tensors) -> Tensors:
        return self._generated(inputs, self._write)

    def _generate_compiled(self, inputs: Tensors) -> Tensors:
        return self._generated(inputs, self._write_compiled)

    def _generated(self, inputs: Tensors, write: Writer) -> Tensors:
        prefix = inputs[features.PREFIX]
        written = write(self._read(prefix), self._request(inputs))
        return {
            features.TEXT: prefix + self._vocabulary.decode(written.ids),
            features.LOG_PROBABILITY: written.log_probability,
        }

    def _lyric(self, inputs: Tensors) -> Tensors:
        shape = tf.shape(inputs[features.PREFIX])
        options = {
            name: tf.fill(shape, tf.constant(value, specs(name)[name].dtype))
            for name, value in features.LYRIC_OPTIONS.items()
        }
        return self._generate(inputs | options)

    def _start(self, inputs: Tensors) -> Tensors:
        prefix = inputs[features.PREFIX]
        return self._state(self._read(prefix), prefix)

    def _resume(self, inputs: Tensors) -> Tensors:
        recent = self._vocabulary.encode(inputs[features.RECENT])  # [B, (n)]
        reading = Reading(
            self._layers(inputs),
            last_characters(recent.to_tensor(), recent.row_lengths()),
            inputs[features.POSITION],
        )
        written = self._write(reading, self._request(inputs))
        text = self._vocabulary.decode(written.ids)
        return {
            features.TEXT: text,
            features.LOG_PROBABILITY: written.log_probability,
            features.FINISHED: written.finished,
            **self._state(written.reading, inputs[features.RECENT] + text),
        }

    def _layers(self, inputs: Tensors) -> States:
        """The state of each layer, as it came."""
        parts = [tf.unstack(inputs[name], axis=1) for name in self._state_names]
        return [list(layer) for layer in zip(*parts, strict=True)]

    def _state(self, reading: Reading, text: tf.Tensor) -> Tensors:
        """What a client sends back to have `text` continued, of which it needs the end."""
        stacked = {
            name: tf.stack([state[index] for state in reading.states], axis=1)
            for index, name in enumerate(self._state_names)
        }
        length = tf.strings.length(text, unit="UTF8_CHAR")
        start = tf.maximum(length - features.NUM_RECENT, 0)
        lengths = tf.fill(tf.shape(start), features.NUM_RECENT)
        recent = tf.strings.substr(text, start, lengths, unit="UTF8_CHAR")
        return {features.RECENT: recent, features.POSITION: reading.position, **stacked}

    def _request(self, inputs: Tensors) -> Request:
        stop = self._vocabulary.encode(inputs[features.STOP])  # [B, (n)]
        return Request(
            inputs[features.NUM_CHARS],
            Distribution(
                inputs[features.TEMPERATURE], inputs[features.TOP_K], inputs[features.TOP_P]
            ),
            inputs[features.REPETITION_PENALTY],
            inputs[features.SEED],
            last_characters(stop.to_tensor(), stop.row_lengths(), padding=NOTHING),
        )

    def _next_char(self, inputs: Tensors) -> Tensors:
        reading = self._read(inputs[features.PREFIX])
        logits, _ = self._model().step(reading.recent[:, -1], reading.states)  # [B, vocab_size]
        candidates, probabilities = self._likeliest(logits, inputs[features.TOP_K])
        return {features.CANDIDATES: candidates, features.PROBABILITIES: probabilities}

    def _generate_beam(self, inputs: Tensors) -> Tensors:
        prefix, num_chars = inputs[features.PREFIX], inputs[features.NUM_CHARS]
        beams = search(self._model(), self._read(prefix), num_chars, inputs[features.WIDTH])
        shape = tf.shape(beams.ids)  # [B, width, n]
        exists = tf.math.is_finite(beams.log_probabilities)  # [B, width]
        lengths = tf.reshape(tf.where(exists, num_chars[:, None], 0), [-1])  # [B * width]
        ids = tf.reshape(beams.ids, [-1, shape[2]])  # [B * width, n]
        texts = self._vocabulary.decode(tf.RaggedTensor.from_tensor(ids, lengths))
        texts = prefix[:, None] + tf.reshape(texts, shape[:2])  # [B, width]
        return {
            features.TEXTS: tf.where(exists, texts, ""),
            features.LOG_PROBABILITIES: beams.log_probabilities,
        }


def _generating(answer: Callable[[Tensors], Tensors]) -> tf.types.experimental.PolymorphicFunction:
    return signature(
        answer,
        specs(features.PREFIX, *features.OPTIONS),
        lambda inputs: [*_check_prefix(inputs), *check_options(inputs)],
        features.OPTIONS,
    )


def _check_prefix(inputs: Tensors) -> list[Check]:
    return check_texts(features.PREFIX, inputs[features.PREFIX])
