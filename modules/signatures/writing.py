"""What a language model writes when it is served: whole texts, texts in parts, the next character.

A text is written by `generate` in one call, or by `start` and then `resume` over and over, with
the state going to the client and back: a server keeps none. Both run the same loop.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from modules import contract
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
    contract.NUM_CHARS: contract.OPTIONS[contract.NUM_CHARS],
    contract.WIDTH: contract.DEFAULT_WIDTH,
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
        contract.GENERATE,
        contract.SERVING_DEFAULT,
        contract.START,
        contract.RESUME,
        contract.NEXT_CHAR,
        contract.GENERATE_BEAM,
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
        self._state_names = (contract.H, contract.C)[: len(zeros[0])]
        shape = [None, len(zeros), zeros[0][0].shape[-1]]
        state = {name: tf.TensorSpec(shape, tf.float32) for name in self._state_names}
        self.generate = _generating(self._generate)
        if xla:
            self._write_compiled = writer(model, compiled=True)
            self.generate_xla = _generating(self._generate_compiled)
            self.signatures = (*self.signatures, contract.GENERATE_XLA)
        self.serving_default = signature(self._lyric, specs(contract.PREFIX), _check_prefix)
        self.start = signature(self._start, specs(contract.PREFIX), _check_prefix)
        self.resume = signature(
            self._resume,
            specs(contract.RECENT, contract.POSITION) | state | specs(*contract.OPTIONS),
            lambda inputs: [*check_state(inputs), *check_options(inputs)],
            contract.OPTIONS,
        )
        self.next_char = signature(
            self._next_char,
            specs(contract.PREFIX, contract.TOP_K),
            lambda inputs: [*_check_prefix(inputs), *check_top_k(inputs[contract.TOP_K])],
            {contract.TOP_K: contract.DEFAULT_CANDIDATES},
        )
        self.generate_beam = signature(
            self._generate_beam,
            specs(contract.PREFIX, *_BEAM),
            lambda inputs: [*_check_prefix(inputs), *check_beam(inputs)],
            _BEAM,
        )

    def sample(self, prefix: str) -> str:
        """The likeliest text after `prefix`."""
        return self.generate(prefix=tf.constant([prefix]))[contract.TEXT].numpy()[0].decode()

    def _warmup_requests(self) -> list[tuple[str, dict[str, Any]]]:
        """See base class; what is written goes through every loop of `decoding`."""
        prefix = {contract.PREFIX: [WARMUP_TEXT]}
        state = self.start(prefix=tf.constant([WARMUP_TEXT]))
        unread = {name: value.numpy() for name, value in state.items()}
        requests: list[tuple[str, dict[str, Any]]] = [
            (contract.SERVING_DEFAULT, prefix),
            (contract.START, prefix),
            (contract.NEXT_CHAR, prefix | {contract.TOP_K: [contract.DEFAULT_CANDIDATES]}),
            (contract.GENERATE_BEAM, prefix | {name: [value] for name, value in _BEAM.items()}),
        ]
        for changes in ({}, {contract.TEMPERATURE: 0.8}, {contract.STOP: "\n"}):
            options = {name: [value] for name, value in (contract.OPTIONS | changes).items()}
            requests += [(contract.GENERATE, prefix | options), (contract.RESUME, unread | options)]
        return [*super()._warmup_requests(), *requests]

    def _read(self, prefix: tf.Tensor) -> Reading:
        return read(self._model(), self._vocabulary.encode(prefix))

    def _generate(self, inputs: Tensors) -> Tensors:
        return self._generated(inputs, self._write)

    def _generate_compiled(self, inputs: Tensors) -> Tensors:
        return self._generated(inputs, self._write_compiled)

    def _generated(self, inputs: Tensors, write: Writer) -> Tensors:
        prefix = inputs[contract.PREFIX]
        written = write(self._read(prefix), self._request(inputs))
        return {
            contract.TEXT: prefix + self._vocabulary.decode(written.ids),
            contract.LOG_PROBABILITY: written.log_probability,
        }

    def _lyric(self, inputs: Tensors) -> Tensors:
        shape = tf.shape(inputs[contract.PREFIX])
        options = {
            name: tf.fill(shape, tf.constant(value, specs(name)[name].dtype))
            for name, value in contract.LYRIC_OPTIONS.items()
        }
        return self._generate(inputs | options)

    def _start(self, inputs: Tensors) -> Tensors:
        prefix = inputs[contract.PREFIX]
        return self._state(self._read(prefix), prefix)

    def _resume(self, inputs: Tensors) -> Tensors:
        recent = self._vocabulary.encode(inputs[contract.RECENT])  # [B, (n)]
        reading = Reading(
            self._layers(inputs),
            last_characters(recent.to_tensor(), recent.row_lengths()),
            inputs[contract.POSITION],
        )
        written = self._write(reading, self._request(inputs))
        text = self._vocabulary.decode(written.ids)
        return {
            contract.TEXT: text,
            contract.LOG_PROBABILITY: written.log_probability,
            contract.FINISHED: written.finished,
            **self._state(written.reading, inputs[contract.RECENT] + text),
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
        start = tf.maximum(length - contract.NUM_RECENT, 0)
        lengths = tf.fill(tf.shape(start), contract.NUM_RECENT)
        recent = tf.strings.substr(text, start, lengths, unit="UTF8_CHAR")
        return {contract.RECENT: recent, contract.POSITION: reading.position, **stacked}

    def _request(self, inputs: Tensors) -> Request:
        stop = self._vocabulary.encode(inputs[contract.STOP])  # [B, (n)]
        return Request(
            inputs[contract.NUM_CHARS],
            Distribution(
                inputs[contract.TEMPERATURE], inputs[contract.TOP_K], inputs[contract.TOP_P]
            ),
            inputs[contract.REPETITION_PENALTY],
            inputs[contract.SEED],
            last_characters(stop.to_tensor(), stop.row_lengths(), padding=NOTHING),
        )

    def _next_char(self, inputs: Tensors) -> Tensors:
        reading = self._read(inputs[contract.PREFIX])
        logits, _ = self._model().step(reading.recent[:, -1], reading.states)  # [B, vocab_size]
        candidates, probabilities = self._likeliest(logits, inputs[contract.TOP_K])
        return {contract.CANDIDATES: candidates, contract.PROBABILITIES: probabilities}

    def _generate_beam(self, inputs: Tensors) -> Tensors:
        prefix, num_chars = inputs[contract.PREFIX], inputs[contract.NUM_CHARS]
        beams = search(self._model(), self._read(prefix), num_chars, inputs[contract.WIDTH])
        shape = tf.shape(beams.ids)  # [B, width, n]
        exists = tf.math.is_finite(beams.log_probabilities)  # [B, width]
        lengths = tf.reshape(tf.where(exists, num_chars[:, None], 0), [-1])  # [B * width]
        ids = tf.reshape(beams.ids, [-1, shape[2]])  # [B * width, n]
        texts = self._vocabulary.decode(tf.RaggedTensor.from_tensor(ids, lengths))
        texts = prefix[:, None] + tf.reshape(texts, shape[:2])  # [B, width]
        return {
            contract.TEXTS: tf.where(exists, texts, ""),
            contract.LOG_PROBABILITIES: beams.log_probabilities,
        }


def _generating(answer: Callable[[Tensors], Tensors]) -> tf.types.experimental.PolymorphicFunction:
    return signature(
        answer,
        specs(contract.PREFIX, *contract.OPTIONS),
        lambda inputs: [*_check_prefix(inputs), *check_options(inputs)],
        contract.OPTIONS,
    )


def _check_prefix(inputs: Tensors) -> list[Check]:
    return check_texts(contract.PREFIX, inputs[contract.PREFIX])
