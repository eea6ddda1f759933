"""Writes text, a character at a time, wholly inside the graph.

Source: Dive into Deep Learning, section 6.4.4 (`predict_rnn`).
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import tensorflow as tf

from modules import contract
from modules.generation.reading import Reading, last_characters, where
from modules.generation.sampling import Distribution, chooser, never_unknown, penalise, uniform
from modules.network.model import LanguageModel
from modules.network.stack import States

NOTHING = -1  # the index of no character, in place of what a short stop lacks


class Request(NamedTuple):
    """What to write in each of B texts.

    Attributes:
        num_chars: int32[B], characters to append, 0 or more.
        distribution: what they are drawn from.
        repetition_penalty: float32[B], see `sampling.penalise`; 1 is none.
        seed: int64[B]; a row's text depends on its own seed only, not on its neighbours.
        stop: int64[B, NUM_RECENT], the characters after which nothing more is written, with
            NOTHING before those of a short stop; nothing else is no stop.
    """

    num_chars: tf.Tensor
    distribution: Distribution
    repetition_penalty: tf.Tensor
    seed: tf.Tensor
    stop: tf.Tensor


class Written(NamedTuple):
    """What was written.

    Attributes:
        ids: int64[B, (n)], the new characters.
        log_probability: float32[B], nats, their sum, under the model's own distribution.
        finished: bool[B], whether the stop came up.
        reading: to write on from.
    """

    ids: tf.RaggedTensor
    log_probability: tf.Tensor
    finished: tf.Tensor
    reading: Reading


# `write` with a model of its own.
Writer = Callable[[Reading, Request], Written]


def write(
    model: LanguageModel, reading: Reading, request: Request, compiled: bool = False
) -> Written:
    """Writes on where each text was left.

    Args:
        model: what writes.
        reading: where the texts were left.
        request: what to write.
        compiled: whether by XLA, anew for each number of texts.
    """
    num_steps = tf.reduce_max(request.num_chars)
    # There is always a first one, which tells the shape where nothing is written.
    draws = uniform(request.seed, reading.position, tf.maximum(num_steps, 1))  # [n, B]
    run = partial(_run, model, compiled)
    if compiled:
        # As many for every request, which would be compiled anew for another number.
        draws = tf.pad(draws, [[0, contract.MAX_CHARS - tf.shape(draws)[0]], [0, 0]])
        draws = tf.ensure_shape(draws, [contract.MAX_CHARS, None])
        run = tf.function(run, autograph=False, jit_compile=True)
    ids, log_probabilities, lengths, finished, states = run(reading, request, draws)
    ids = tf.transpose(ids[:num_steps])  # [B, n]
    log_probabilities = tf.transpose(log_probabilities[:num_steps])  # [B, n]
    is_written = tf.sequence_mask(lengths, num_steps)  # [B, n]
    seen = tf.concat([reading.recent, ids], axis=1)  # [B, NUM_RECENT + n]
    return Written(
        tf.RaggedTensor.from_row_lengths(tf.boolean_mask(ids, is_written), lengths, validate=False),
        tf.reduce_sum(tf.where(is_written, log_probabilities, 0.0), axis=1),
        finished,
        Reading(
            states,
            last_characters(seen, contract.NUM_RECENT + lengths),
            reading.position + tf.cast(lengths, tf.int64),
        ),
    )


def writer(model: LanguageModel, compiled: bool = False) -> Writer:
    """`write` as a graph that is traced once, since that takes a while."""

    def row(dtype: tf.DType, *sizes: int) -> tf.TensorSpec:
        return tf.TensorSpec([None, *sizes], dtype)

    reading = Reading(
        [[row(tf.float32, h.shape[-1]) for h in layer] for layer in model.initial_state(1)],
        row(tf.int64, contract.NUM_RECENT),
        row(tf.int64),
    )
    request = Request(
        row(tf.int32),
        Distribution(row(tf.float32), row(tf.int32), row(tf.float32)),
        row(tf.float32),
        row(tf.int64),
        row(tf.int64, contract.NUM_RECENT),
    )
    return tf.function(
        partial(write, model, compiled=compiled),
        input_signature=[reading, request],
        autograph=False,
    )


def _run(
    model: LanguageModel, compiled: bool, reading: Reading, request: Request, draws: tf.Tensor
) -> tuple:
    """Runs one of three loops: for all that can be asked for, to draw, or to take the likeliest.

    In a loop this small every operation counts.
    """
    loop = _Loop(model, compiled, reading, request, draws)
    return tf.cond(
        loop.needs_control,
        loop.run_controlled,
        lambda: tf.cond(
            tf.reduce_any(request.distribution.temperature > 0), loop.run_drawing, loop.run_greedy
        ),
    )


# Takes the step, the logits, float32[B, vocab_size], and these with -inf for <unk>; returns the
# characters that are written, int64[B].
_Pick = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tf.Tensor]


class _Loop:
    """The loops that write what a request asks for.

    All return int64[n, B] and float32[n, B], what was written and its log-probabilities; int32[B],
    how much of it is each row's; bool[B], whether that ends with the stop; and the states after it.
    """

    def __init__(
        self,
        model: LanguageModel,
        compiled: bool,
        reading: Reading,
        request: Request,
        draws: tf.Tensor,
    ) -> None:
        self._model, self._reading, self._request = model, reading, request
        self._draws = draws  # [n, B]
        self._num_steps = tf.reduce_max(request.num_chars)
        self._never = never_unknown(model.vocab_size)  # [vocab_size]
        self._bias = model.output.bias  # [vocab_size]
        self._bias_of_named = self._bias + self._never  # [vocab_size]
        self._choose = chooser(request.distribution, model.vocab_size, compiled)
        self.needs_control = (
            tf.reduce_any(request.repetition_penalty != 1)
            | tf.reduce_any(request.stop != NOTHING)
            | tf.reduce_any(request.num_chars != self._num_steps)
        )

    def run_greedy(self) -> tuple:
        """Where every row takes the likeliest characters, as many as the others."""
        return self._run(lambda step, logits, named: tf.argmax(named, axis=-1))

    def run_drawing(self) -> tuple:
        """Where rows draw, as many characters as the others."""
        return self._run(lambda step, logits, named: self._draw(step, named))

    def run_controlled(self) -> tuple:
        """Where rows end at different places or are penalised for repetition."""
        position, request = self._reading.position, self._request
        stop = request.stop
        stop_lengths = tf.math.count_nonzero(stop != NOTHING, axis=1)  # [B]

        def write_next(step, lengths, goes_on, finished, recent, states, outputs):
            def pick(step: tf.Tensor, logits: tf.Tensor, _: tf.Tensor) -> tf.Tensor:
                logits = penalise(logits, recent, request.repetition_penalty)
                return self._draw(step, logits + self._never)

            ids, read_on, outputs = self._step(step, recent[:, -1], states, outputs, pick)
            states = where(goes_on, read_on, states)
            shifted = tf.concat([recent[:, 1:], ids[:, None]], axis=1)
            recent = tf.where(goes_on[:, None], shifted, recent)
            lengths += tf.cast(goes_on, tf.int32)
            is_stop = tf.reduce_all((recent == stop) | (stop == NOTHING), axis=1)
            is_stop &= (stop_lengths > 0) & (position + tf.cast(lengths, tf.int64) >= stop_lengths)
            finished |= goes_on & is_stop
            goes_on = (lengths < request.num_chars) & ~finished
            return step + 1, lengths, goes_on, finished, recent, states, outputs

        lengths = tf.zeros_like(request.num_chars)
        _, lengths, _, finished, _, states, outputs = tf.while_loop(
            lambda step, lengths, goes_on, *_: tf.reduce_any(goes_on),
            write_next,
            (
                tf.constant(0),
                lengths,
                request.num_chars > 0,
                lengths > 0,
                self._reading.recent,
                self._reading.states,
                self._outputs(),
            ),
        )
        return *self._stack(outputs), lengths, finished, states

    def _run(self, pick: _Pick) -> tuple:
        def write_next(step, ids, states, outputs):
            return step + 1, *self._step(step, ids, states, outputs, pick)

        ids, lengths = self._reading.recent[:, -1], self._request.num_chars
        _, _, states, outputs = tf.while_loop(
            lambda step, *_: step < self._num_steps,
            write_next,
            (tf.constant(0), ids, self._reading.states, self._outputs()),
        )
        return *self._stack(outputs), lengths, tf.zeros_like(ids, tf.bool), states

    def _step(
        self,
        step: tf.Tensor,
        ids: tf.Tensor,
        states: States,
        outputs: list[tf.TensorArray],
        pick: _Pick,
    ) -> tuple:
        """Reads characters, int64[B], and writes those after them."""
        hiddens, states = self._model.read(ids, states)
        products = self._model.output.multiply(hiddens)  # [B, vocab_size]
        # Two sums, lest TensorFlow make one operation of the product and its sum: see `cells.Gru`.
        logits, named = products + self._bias, products + self._bias_of_named
        ids = pick(step, logits, named)  # [B]
        log_probabilities = tf.gather(tf.nn.log_softmax(logits), ids, batch_dims=1)  # [B]
        written = (ids, log_probabilities)
        outputs = [array.write(step, value) for array, value in zip(outputs, written, strict=True)]
        return ids, states, outputs

    def _draw(self, step: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        return self._choose(logits, tf.gather(self._draws, step))

    def _outputs(self) -> list[tf.TensorArray]:
        """For int64[B] and float32[B] of each step."""
        rows = tf.zeros_like(self._reading.position)
        size = tf.shape(self._draws)[0]
        return [
            tf.TensorArray(dtype, size, element_shape=[None]).write(0, tf.cast(rows, dtype))
            for dtype in (tf.int64, tf.float32)
        ]

    def _stack(self, outputs: list[tf.TensorArray]) -> list[tf.Tensor]:
        return [array.stack() for array in outputs]
