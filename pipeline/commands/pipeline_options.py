"""The pipeline's options on the command line: each named as its field in the configuration."""

from collections.abc import Callable
from typing import Any, get_args

import click

from modules.corpus.detection import AUTO
from modules.corpus.encodings import CODECS
from modules.corpus.holdout import Policy
from modules.features import EVAL, TRAIN
from modules.hyperparameters import Cell, Optimizer, Precision, Schedule, Task
from modules.ngrams.options import MAX_CACHE_SIZE, MAX_NGRAM_ORDER
from modules.vocabulary.characters import Newline, VocabularySplits
from modules.windows.windowing import Sampling
from pipeline.config import PRESETS, MustBeat, PipelineConfig

POSITIVE = click.IntRange(1)
NATURAL = click.IntRange(0, 2**31 - 1)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")

_MIXTURE_VALIDATION_RATIO = 0.05  # enough for two weights, and hardly missed in training

# What an option is where nothing is said.
_UNSET = {"max_characters": "all", "embedding_size": "as --num-hiddens"}


def _option(flag: str, kind: Any, help_text: str) -> Callable:
    """An option of the pipeline: what is not given is the preset's."""
    name = flag.strip("-").replace("-", "_")
    if isinstance(kind, tuple):
        kind = click.Choice(kind)
    default = PRESETS["lyrics"].option(name)
    flags = f"{flag}/--no-{flag.strip('-')}" if kind is bool else flag
    shown = _UNSET.get(name) if default is None else default
    return click.option(
        flags, name, type=kind, help=help_text, default=None, show_default=str(shown)
    )


_PIPELINE_OPTIONS = [
    click.option(
        "--preset",
        type=click.Choice(list(PRESETS)),
        default="lyrics",
        show_default=True,
        help="Where the defaults come from: the bundled corpus with songs held out; the book's "
        "chapter, which learns 10,000 characters of --data by heart; or a run in half a minute. "
        "The defaults shown are those of `lyrics`.",
    ),
    click.option(
        "--data",
        metavar="ZIP",
        default=None,
        show_default="the bundled corpus",
        help="Zip of .txt files: a path, a glob, or a span-{SPAN}/v{VERSION} pattern.",
    ),
    click.option(
        "--root",
        metavar="DIR",
        default=None,
        show_default="runs/PRESET",
        help="Directory of everything the pipeline writes.",
    ),
    _option("--encoding", (AUTO, *CODECS), "Encoding of the texts."),
    _option("--max-characters", POSITIVE, "Read only the corpus's first characters."),
    _option("--max-ratio", click.FloatRange(1), "Refuse members packed tighter than this."),
    _option("--max-bytes", POSITIVE, "Refuse more unpacked bytes than this."),
    _option("--hold-out-policy", get_args(Policy), "What is held out for evaluation."),
    _option("--hold-out-ratio", click.FloatRange(0.001, 0.9), "Share held out."),
    _option("--hold-out-gap", NATURAL, "Characters dropped before a held-out tail."),
    _option(
        "--validation-ratio",
        click.FloatRange(0, 0.5),
        "Share of the rest to stop training by; 0 takes the held-out text for it.",
    ),
    _option("--vocabulary-splits", get_args(VocabularySplits), "Where characters are counted."),
    _option("--newline", get_args(Newline), "Keep newlines, or read them as spaces."),
    _option("--min-count", POSITIVE, "Rarer characters are <unk>."),
    _option("--max-vocab-size", NATURAL, "Most entries of the vocabulary; 0 is no limit."),
    _option(
        "--ngram-order", click.IntRange(1, MAX_NGRAM_ORDER), "Characters of the longest n-gram."
    ),
    _option(
        "--cache-size",
        click.IntRange(0, MAX_CACHE_SIZE),
        "Characters that the n-gram's cache remembers; 0 has none.",
    ),
    _option("--cache-weight", click.FloatRange(0, 1), "The cache's share beside the n-gram."),
    _option("--sampling", get_args(Sampling), "How training windows are ordered."),
    _option("--batch-size", POSITIVE, "Windows in a minibatch."),
    _option("--num-steps", POSITIVE, "Characters predicted in a training window."),
    _option("--random-offset", bool, "Start each epoch's random windows at an offset."),
    _option("--stride", POSITIVE, "Characters scored in an evaluation window."),
    _option("--context", NATURAL, "Characters read before them, unscored."),
    _option("--task", get_args(Task), "Say what comes next, or fill in what is missing."),
    _option("--cell", get_args(Cell), "Recurrent cell."),
    _option("--reset-after", bool, "GRU: reset after the product, as cuDNN, or before it."),
    _option("--from-scratch", bool, "Layers written out step by step, on one-hot vectors."),
    _option("--num-hiddens", POSITIVE, "Units of a recurrent layer."),
    _option("--num-layers", POSITIVE, "Recurrent layers."),
    _option("--embedding-size", NATURAL, "Length of a character's vector; 0 is one-hot."),
    _option("--tie-weights", bool, "Make the output's weights the embedding's."),
    _option("--layer-norm", bool, "Normalise each recurrent layer's output."),
    _option("--dropout", click.FloatRange(0, 0.95), "Share of units dropped in training."),
    _option("--variational-dropout", bool, "Drop the same units at every step of a window."),
    _option("--optimizer", get_args(Optimizer), "How the weights follow the gradients."),
    _option("--learning-rate", click.FloatRange(1e-9, 1e3), "The optimizer's, at its highest."),
    _option("--schedule", get_args(Schedule), "How the learning rate goes on to the last epoch."),
    _option("--warmup-steps", NATURAL, "Minibatches in which the learning rate rises."),
    _option("--weight-decay", click.FloatRange(0, 1), "AdamW's weight decay."),
    _option("--clip-norm", click.FloatRange(1e-9), "Largest global norm of the gradients."),
    _option("--label-smoothing", click.FloatRange(0, 0.95), "Probability for all characters."),
    _option("--precision", get_args(Precision), "Of the products of matrices in training."),
    _option("--num-epochs", POSITIVE, "Most passes over the training windows."),
    _option("--patience", NATURAL, "Epochs without progress before stopping; 0 never stops."),
    click.option(
        "--tune",
        "num_trials",
        type=NATURAL,
        default=None,
        show_default=str(PRESETS["lyrics"].option("num_trials")),
        help="Sets of hyperparameters to try before training; 0 tries none.",
    ),
    _option("--tune-epochs", POSITIVE, "Most passes over the training windows in a trial."),
    _option(
        "--seed",
        click.IntRange(0, 2**32 - 1),
        "Seed of the weights, the dropout and the shuffling.",
    ),
    _option("--sample-every", NATURAL, "Epochs between two samples of text; 0 takes none."),
    click.option(
        "--sample-prefix",
        "prefixes",
        multiple=True,
        show_default="分开, 不分开",
        help="What a sample begins with; may be given more than once.",
    ),
    _option("--xla", bool, "Save generate_xla too: faster, where the server compiles it."),
    _option("--gate-split", (EVAL, TRAIN), "Whose perplexity the gate looks at."),
    _option("--max-perplexity", click.FloatRange(1, 1e12), "Highest perplexity that passes."),
    _option("--must-beat", get_args(MustBeat), "Model whose perplexity must be higher."),
    _option("--mixture", bool, "Fit and report the network, n-gram and cache mixed."),
]


def pipeline_options(command: Callable) -> Callable:
    """Decorates a command with every option of the pipeline."""
    for option in reversed(_PIPELINE_OPTIONS):
        command = option(command)
    return command


# What an option brings along where nothing else is said: without, it would be refused.
_IMPLIED: dict[tuple[str, Any], dict[str, Any]] = {
    ("sampling", "consecutive"): {"random_offset": False},  # the book's preset has it on
    ("mixture", True): {"validation_ratio": _MIXTURE_VALIDATION_RATIO},
    ("from_scratch", True): {"embedding_size": 0},
    ("tie_weights", True): {"embedding_size": None},
    ("task", "fill"): {"sampling": "random", "tie_weights": False},
    ("optimizer", "sgd"): {"weight_decay": 0.0},
    ("optimizer", "adam"): {"weight_decay": 0.0},
}


def make_config(preset: str, **options: Any) -> PipelineConfig:
    """The configuration that these options make; None, or nothing at all, is the preset's.

    Raises:
        ConfigError: if a value, or a combination of values, makes no sense.
    """
    given = {name: value for name, value in options.items() if value not in (None, ())}
    for option, implied in _IMPLIED.items():
        if option in given.items():
            given = implied | given
    if "embedding_size" in given:
        given.setdefault("tie_weights", False)
    return PRESETS[preset].override(given)
