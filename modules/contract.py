"""The contract of a served model: signatures, inputs, outputs, limits and defaults. No TensorFlow.

Both sides hold to it: what is saved in a SavedModel, and whoever asks it.
"""

MODEL_NAME = "lyrics"
GRPC_PORT = 8500  # TensorFlow Serving's

# Signatures of the SavedModel, with their inputs and outputs. B is the batch: every input has one
# value for each row, or, if it can be left out, one value for all rows. Whatever reads a text tells
# its unknown_characters too, but for a model of before that.
GENERATE = "generate"  # prefix, and if wished the OPTIONS -> text, log_probability
GENERATE_XLA = "generate_xla"  # alike; only of a model that was saved with it
SERVING_DEFAULT = "serving_default"  # prefix -> as generate; of a fill-in model, it is `fill`
GENERATE_BEAM = "generate_beam"  # prefix, num_chars, width -> texts, log_probabilities
START = "start"  # prefix -> the state: h, for an LSTM c, recent, position
RESUME = "resume"  # the state, OPTIONS -> text (what is new), log_probability, finished, the state
NEXT_CHAR = "next_char"  # prefix, top_k -> candidates, probabilities
FILL = "fill"  # text, top_k -> candidates, probabilities, text
SCORE = (
    "score"  # text -> nats, characters, perplexity; of a language model log_probabilities, ranks
)
# examples -> characters, unknown_characters, and nats under all models that are compared: each of
# `modules.evaluation.figures` says which.
EVALUATE = "evaluate"

PREFIX = "prefix"  # string[B], one character or more
TEXT = "text"  # string[B], one character or more
EXAMPLES = "examples"  # string[B], serialised tf.train.Examples: scored windows
NUM_CHARS = "num_chars"  # int32[B], characters to append
TEMPERATURE = "temperature"  # float32[B], 0 is greedy
TOP_K = "top_k"  # int32[B], draw from the k likeliest, 0 is from all; or rank so many
TOP_P = "top_p"  # float32[B], draw from the likeliest that together have this probability
REPETITION_PENALTY = "repetition_penalty"  # float32[B], 1 is none; above it, new characters win
SEED = "seed"  # int64[B]
STOP = "stop"  # string[B], nothing is written after it; "" is none
WIDTH = "width"  # int32[B], texts that a beam search follows
LOG_PROBABILITY = "log_probability"  # float32[B], nats, of all characters that were written
FINISHED = "finished"  # bool[B], whether the stop string came up
# float32[B, n], nats, of each character; of `generate_beam` float32[B, width], of each text.
LOG_PROBABILITIES = "log_probabilities"
# string[B], those of the prefix or text that are not in the vocabulary, in order. They are in the
# state too, which needs them for nothing else, since clients send it back as it came.
UNKNOWN_CHARACTERS = "unknown_characters"
RANKS = "ranks"  # int32[B, n], of each character among all: 1 is the likeliest
TEXTS = "texts"  # string[B, width], the likeliest first
CANDIDATES = "candidates"  # string[B, (blanks,) k], a character each, the likeliest first
PROBABILITIES = "probabilities"  # float32[B, (blanks,) k], theirs

# What the state is made of.
POSITION = "position"  # int64[B], the characters written so far
H = "h"  # float32[B, layers, hiddens]
C = "c"  # alike, of an LSTM
RECENT = "recent"  # string[B], the last characters, of which the very last has not been read yet

# Of the inputs, as TensorFlow's DataType calls them; those of h and c depend on the cell.
DTYPES = {
    **dict.fromkeys((PREFIX, TEXT, EXAMPLES, RECENT, STOP, UNKNOWN_CHARACTERS), "string"),
    **dict.fromkeys((NUM_CHARS, TOP_K, WIDTH), "int32"),
    **dict.fromkeys((POSITION, SEED), "int64"),
    **dict.fromkeys((TEMPERATURE, TOP_P, REPETITION_PENALTY), "float"),
}

# Of the inputs that can be left out: what they are then.
OPTIONS = {
    NUM_CHARS: 50,  # as many as the book prints
    TEMPERATURE: 0.0,
    TOP_K: 0,
    TOP_P: 1.0,
    REPETITION_PENALTY: 1.0,
    SEED: 0,
    STOP: "",
}
# What `serving_default` writes with: a lyric rather than the likeliest text, which repeats itself.
LYRIC_OPTIONS = OPTIONS | {TEMPERATURE: 0.8, TOP_K: 20}
DEFAULT_CANDIDATES = 10  # the top_k of `next_char`
DEFAULT_WIDTH = 4
BEAM_OPTIONS = {NUM_CHARS: OPTIONS[NUM_CHARS], WIDTH: DEFAULT_WIDTH}

NATS = "nats"  # float32[B], summed negative log-likelihood
UNIGRAM_NATS = "unigram_nats"  # float32[B], the same under the training split's unigram model
UNIFORM_NATS = "uniform_nats"  # float32[B], the same under the uniform model
CHARACTERS = "characters"  # int64[B], how many were scored
PERPLEXITY = "perplexity"  # float32[B], exp(nats / characters)

MAX_CHARS = 10_000  # of a text sent, and to be written: no request may take all the memory
# Of a request: its rows times its longest text with what is to be written, times a beam's width.
MAX_REQUEST_CHARS = 10 * MAX_CHARS
MAX_ROWS = 1000  # of a request that is written to, times a beam's width
MAX_CANDIDATES = 100  # for a blank or a next character, for the same reason
MAX_WIDTH = 16
NUM_RECENT = 64  # characters that a repetition penalty looks back on; no stop string is longer

BLANK = "□"  # U+25A1, a missing character of a text to be filled in


def blank_out(text: str) -> str:
    """The text with a blank: its own, or one in place of its middle character."""
    if BLANK in text:
        return text
    middle = len(text) // 2
    return text[:middle] + BLANK + text[middle + 1 :]
