"""What a language model is served as: it writes whole texts, texts in parts, the next character.

A text is written by `generate` in one call, or by `start` and then `resume` over and over, with
the state going to the client and back. Both run the same loop.
"""

import math
from collections.abc import Callable

import tensorflow as tf

from modules import contract
from modules.evaluation.figures import FIGURES, PARTS, Weights
from modules.evaluation.scoring import Scores, mix, part_log_probabilities
from modules.generation.beam_search import search
from modules.generation.decoding import NOTHING, Request, Writer, writer
from modules.generation.reading import Reading, last_characters, read
from modules.generation.sampling import Distribution
from modules.network.model import LanguageModel
from modules.ngrams.options import NgramOptions
from modules.signatures import warmup_requests
from modules.signatures.requests import (
    Tensors,
    check_beam,
    check_lyric,
    check_next,
    check_options,
    check_prefix,
    check_state,
    specs,
)
from modules.signatures.servable import Servable
from modules.signatures.state import ClientState
from modules.vocabulary.indices import Vocabulary
from modules.windows.dataset import parse_scored_windows


def mixture_weights(path: str) -> dict[str, float] | None:
    """The weights in the SavedModel at `path`, by the parts' names; None if not fitted."""
    key = "mixture_weights/.ATTRIBUTES/VARIABLE_VALUE"
    weights = tf.train.load_variable(f"{path}/variables/variables", key).tolist()
    named = dict(zip(PARTS, weights, strict=True))
    return None if any(map(math.isnan, weights)) else named


class ServableModel(Servable):
    """A trained language model, ready for `tf.saved_model.save`.

    The inputs and outputs of its signatures are those in `contract`.

    Args:
        model: the language model.
        vocabulary: what it was trained with.
        unigram: see `Servable`.
        cache_weight: the cache's part in the n-gram model with its cache.
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
        mixture_weights: float32[3], of the network, the n-gram model and the cache in their
            mixture; NaN until they are fitted.
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
    mixes = True

    def __init__(
        self,
        model: LanguageModel,
        vocabulary: Vocabulary,
        unigram: tf.Tensor,
        cache_weight: float = NgramOptions.cache_weight,
        xla: bool = False,
    ) -> None:
        super().__init__(model, vocabulary, unigram)
        self._cache_weight = cache_weight
        self.mixture_weights = tf.Variable(
            [math.nan] * len(PARTS), trainable=False, name="mixture_weights"
        )
        self._state = ClientState(model, vocabulary)
        self._write = writer(model)
        self.generate = self._generating(self._generate)
        if xla:
            self._write_compiled = writer(model, compiled=True)
            self.generate_xla = self._generating(self._generate_compiled)
            self.signatures = (*self.signatures, contract.GENERATE_XLA)
        self.serving_default = self._signature(self._lyric, specs(contract.PREFIX), check_lyric)
        self.start = self._signature(self._start, specs(contract.PREFIX), check_prefix)
        self.resume = self._signature(
            self._resume,
            self._state.specs | specs(*contract.OPTIONS, contract.UNKNOWN_CHARACTERS),
            check_state,
            check_options,
            defaults=contract.OPTIONS | {contract.UNKNOWN_CHARACTERS: ""},
        )
        self.next_char = self._signature(
            self._next_char,
            specs(contract.PREFIX, contract.TOP_K),
            check_next,
            defaults={contract.TOP_K: contract.DEFAULT_CANDIDATES},
        )
        self.generate_beam = self._signature(
            self._generate_beam,
            specs(contract.PREFIX, *contract.BEAM_OPTIONS),
            check_prefix,
            check_beam,
            defaults=contract.BEAM_OPTIONS,
        )

    def sample(self, prefix: str) -> str:
        """The likeliest text after `prefix`."""
        return self.generate(prefix=tf.constant([prefix]))[contract.TEXT].numpy()[0].decode()

    def log_probabilities(self, examples: tf.Tensor) -> tf.Tensor:
        """Of the characters of scored windows, as `part_log_probabilities` returns them."""
        windows = parse_scored_windows(examples)
        return part_log_probabilities(self._score(windows), windows)

    def _mixtures(self, windows: Tensors, scores: Scores) -> Tensors:
        """See base class."""
        parts = part_log_probabilities(scores, windows)  # [characters, 3]
        fitted = dict(zip(PARTS, tf.unstack(self.mixture_weights), strict=True))

        def nats(weights: Weights) -> tf.Tensor:
            return tf.reduce_sum(-scores.ids.with_flat_values(mix(parts, weights)), axis=1)  # [B]

        return {
            figure.nats: nats(figure.parts(self._cache_weight, fitted))
            for figure in FIGURES.values()
            if figure.parts
        }

    def _warmup_requests(self) -> list[warmup_requests.Request]:
        """See base class."""
        return warmup_requests.of_language_model(self.start)

    def _generating(
        self, answer: Callable[[Tensors], Tensors]
    ) -> tf.types.experimental.PolymorphicFunction:
        return self._signature(
            answer,
            specs(contract.PREFIX, *contract.OPTIONS),
            check_prefix,
            check_options,
            defaults=contract.OPTIONS,
        )

    def _read(self, prefix: tf.Tensor) -> Reading:
        return read(self.model, self._vocabulary.encode(prefix))

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
            contract.UNKNOWN_CHARACTERS: self._vocabulary.unknown(prefix),
        }

    def _lyric(self, inputs: Tensors) -> Tensors:
        shape = tf.shape(inputs[contract.PREFIX])
        options = {
            name: tf.fill(shape, tf.constant(value, contract.DTYPES[name]))
            for name, value in contract.LYRIC_OPTIONS.items()
        }
        return self._generate(inputs | options)

    def _start(self, inputs: Tensors) -> Tensors:
        prefix = inputs[contract.PREFIX]
        unknown = {contract.UNKNOWN_CHARACTERS: self._vocabulary.unknown(prefix)}
        return self._state.write(self._read(prefix), prefix) | unknown

    def _resume(self, inputs: Tensors) -> Tensors:
        written = self._write(self._state.read(inputs), self._request(inputs))
        text = self._vocabulary.decode(written.ids)
        return {
            contract.TEXT: text,
            contract.LOG_PROBABILITY: written.log_probability,
            contract.FINISHED: written.finished,
            contract.UNKNOWN_CHARACTERS: inputs[contract.UNKNOWN_CHARACTERS],
            **self._state.write(written.reading, inputs[contract.RECENT] + text),
        }

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
        prefix = inputs[contract.PREFIX]
        reading = self._read(prefix)
        units, _ = self.model.read(reading.recent[:, -1], reading.states)  # [B, num_hiddens]
        candidates, probabilities = self._likeliest(units, inputs[contract.TOP_K])
        return {
            contract.CANDIDATES: candidates,
            contract.PROBABILITIES: probabilities,
            contract.UNKNOWN_CHARACTERS: self._vocabulary.unknown(prefix),
        }

    def _generate_beam(self, inputs: Tensors) -> Tensors:
        prefix, num_chars = inputs[contract.PREFIX], inputs[contract.NUM_CHARS]
        beams = search(self.model, self._read(prefix), num_chars, inputs[contract.WIDTH])
        shape = tf.shape(beams.ids)  # [B, width, n]
        exists = tf.math.is_finite(beams.log_probabilities)  # [B, width]
        lengths = tf.reshape(tf.where(exists, num_chars[:, None], 0), [-1])  # [B * width]
        ids = tf.reshape(beams.ids, [-1, shape[2]])  # [B * width, n]
        texts = self._vocabulary.decode(tf.RaggedTensor.from_tensor(ids, lengths))
        texts = prefix[:, None] + tf.reshape(texts, shape[:2])  # [B, width]
        return {
            contract.TEXTS: tf.where(exists, texts, ""),
            contract.LOG_PROBABILITIES: beams.log_probabilities,
            contract.UNKNOWN_CHARACTERS: self._vocabulary.unknown(prefix),
        }
