"""The figures of an evaluation, each written once.

An entry of FIGURES is all that it takes: `evaluate` puts out what it is made of, a Tally adds that
up, the Evaluator writes it as a metric, and the summary has a row for it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modules import contract

# What a mixture is made of, in the order in which a SavedModel keeps the fitted weights.
PARTS = NETWORK, NGRAM, CACHE = ("network", "n-gram", "cache")
Weights = Mapping[str, Any]  # numbers or tensors float32[], by part

PERPLEXITY = "perplexity"
MIXTURE_PERPLEXITY = "mixture_perplexity"
BASELINE_PERPLEXITY = "baseline_perplexity"
NGRAM_CACHE_PERPLEXITY = "ngram_cache_perplexity"
NGRAM_PERPLEXITY = "ngram_perplexity"
NGRAM_RATIO = "perplexity_to_ngram"  # below 1: better than the n-gram model, without its cache
UNIGRAM_PERPLEXITY = "unigram_perplexity"
UNIGRAM_RATIO = "perplexity_to_unigram"  # below 1: better than the unigram model
UNIFORM_PERPLEXITY = "uniform_perplexity"
CHARACTERS = "characters"
UNKNOWN_SHARE = "unknown_share"

PERPLEXITIES = "perplexity, lower is better"


@dataclass(frozen=True)
class Figure:
    """One figure, whole; its name is that of the Evaluator's metric and of the summary's JSON.

    Attributes:
        label: what its row in the summary is called.
        nats: the output of `evaluate` of whose sum it is the perplexity; "" of what is none.
        parts: of the perplexity of a mixture, the weights of its parts, made of the cache's share
            beside the n-gram model and the fitted weights. Only language models have such a
            figure, and only of windows that tell what their parts say; else it is NaN.
        ratio: name of the model's perplexity divided by this one, where that is a figure too.
        table: of the summary, by its heading.
        form: how it is written there.
    """

    label: str
    nats: str = ""
    parts: Callable[[float, Weights], Weights] | None = None
    ratio: str = ""
    table: str = PERPLEXITIES
    form: str = "{:,.2f}"


# As the summary shows them: the model comes first, then what to compare it with.
FIGURES = {
    PERPLEXITY: Figure("model", contract.NATS),
    MIXTURE_PERPLEXITY: Figure("mixture", "mixture_nats", lambda cache, fitted: fitted),
    BASELINE_PERPLEXITY: Figure("last blessed model"),  # its own Tally's perplexity
    NGRAM_CACHE_PERPLEXITY: Figure(
        "n-gram and cache",
        "ngram_cache_nats",
        lambda cache, fitted: {NGRAM: 1 - cache, CACHE: cache},
    ),
    NGRAM_PERPLEXITY: Figure(
        "n-gram", "ngram_nats", lambda cache, fitted: {NGRAM: 1.0}, ratio=NGRAM_RATIO
    ),
    UNIGRAM_PERPLEXITY: Figure("unigram", contract.UNIGRAM_NATS, ratio=UNIGRAM_RATIO),
    UNIFORM_PERPLEXITY: Figure("uniform", contract.UNIFORM_NATS),
    CHARACTERS: Figure("scored", table="characters", form="{:,.0f}"),
    UNKNOWN_SHARE: Figure("not in the vocabulary", table="characters", form="{:.2%}"),
}


def outputs(mixtures: bool = True) -> list[str]:
    """The sums of nats that `evaluate` puts out, with or without those of mixtures."""
    figures = FIGURES.values()
    return [figure.nats for figure in figures if figure.nats and (mixtures or not figure.parts)]


def optional() -> set[str]:
    """The figures that not every model has, or not of every window."""
    names = [(name, figure.ratio) for name, figure in FIGURES.items() if figure.parts]
    return {name for pair in names for name in pair if name}
