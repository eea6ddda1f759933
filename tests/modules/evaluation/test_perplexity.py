import math
from copy import deepcopy

import pytest

from modules.evaluation.figures import optional
from modules.evaluation.perplexity import Tally, perplexity_of

pytestmark = pytest.mark.fast

OUTPUTS = (
    "nats",
    "unigram_nats",
    "uniform_nats",
    "characters",
    "unknown_characters",
    "ngram_nats",
    "ngram_cache_nats",
    "mixture_nats",
)


def tally(*rows) -> Tally:
    result = Tally()
    for row in rows:
        result.add(dict(zip(OUTPUTS, row, strict=False)))
    return result


def test_a_model_that_knows_nothing_has_the_size_of_the_vocabulary():
    result = tally((5 * math.log(28), 0, 0, 5, b""), (3 * math.log(28), 0, 0, 3, b""))
    assert result.perplexity == pytest.approx(28)


def test_a_model_that_is_always_sure_and_right_has_1():
    assert tally((0, 0, 0, 5, b"")).perplexity == 1


def test_three_models_are_added_up_apart():
    nats = math.log(2), math.log(3), math.log(5)
    result = tally((*(2 * n for n in nats), 2, b""), (*nats, 1, b""))
    assert result.perplexity == pytest.approx(2)
    assert result.figures["unigram_perplexity"] == pytest.approx(3)
    assert result.figures["uniform_perplexity"] == pytest.approx(5)


def test_longer_texts_weigh_more():
    result = tally((3 * math.log(2), 0, 0, 3, b""), (math.log(32), 0, 0, 1, b""))
    assert result.perplexity == pytest.approx((2**3 * 32) ** (1 / 4))  # 4


def test_an_unknown_character_costs_what_it_takes_to_say_which_it_was():
    # Six characters, all certain to the model, three of them one of two unknown ones.
    result = tally((0, 0, 0, 4, "春春".encode()), (0, 0, 0, 2, "夏".encode()))
    assert result.unknown_count == 3
    assert result.unknown == {"春", "夏"}
    assert result.perplexity == pytest.approx(2 ** (3 / 6))
    assert result.figures["unigram_perplexity"] == result.perplexity
    assert result.figures["uniform_perplexity"] == result.perplexity
    assert result.figures["unknown_share"] == 0.5


def test_a_single_unknown_character_needs_no_telling_apart():
    assert tally((0, 0, 0, 4, "𠮷𠮷".encode())).perplexity == 1


def test_forgetting_does_not_pay():
    # A vocabulary of <unk> alone is always right about it, and no better than uniform.
    assert tally((0, 0, 0, 4, b"abcd")).perplexity == pytest.approx(4)


def test_no_characters():
    assert tally().perplexity == math.inf
    assert tally().figures["unigram_perplexity"] == math.inf
    assert tally().figures["unknown_share"] == 0
    assert tally((0, 0, 0, 0, b"")).perplexity == math.inf


def test_the_figures_by_name():
    # Perplexity 4 against 8 and 2; then four characters, unknown ones of two kinds: log 2 each.
    row = (4 * math.log(4), 4 * math.log(8), 4 * math.log(2), 4)
    others = (4 * math.log(16), 4 * math.log(3), 4 * math.log(2))
    rows = (*row, b"", *others), (*row, "春春夏夏".encode(), *others)
    assert tally(*rows).figures == pytest.approx(
        {
            "perplexity": 4 * 2**0.5,
            "unigram_perplexity": 8 * 2**0.5,
            "uniform_perplexity": 2 * 2**0.5,
            "perplexity_to_unigram": 0.5,
            "unknown_share": 0.5,
            "characters": 8,
            "ngram_perplexity": 16 * 2**0.5,
            "ngram_cache_perplexity": 3 * 2**0.5,
            "mixture_perplexity": 2 * 2**0.5,
            "perplexity_to_ngram": 0.25,
        }
    )


def test_what_was_not_measured_everywhere_is_not_a_number():
    row = (1.0, 1.0, 1.0, 1, b"")
    figures = tally((*row, 2.0, 3.0, math.nan), (*row, 2.0), (0, 0, 0, 0, b"", 0)).figures
    assert figures["ngram_perplexity"] == pytest.approx(math.e**2)
    assert figures["perplexity_to_ngram"] == pytest.approx(1 / math.e)
    assert math.isnan(figures["ngram_cache_perplexity"])
    assert math.isnan(figures["mixture_perplexity"])
    figures = tally(row).figures
    assert {name for name, value in figures.items() if math.isnan(value)} == optional()


def test_the_figures_of_nothing_are_better_than_no_model():
    figures = tally().figures
    assert figures["perplexity"] == math.inf
    assert math.isnan(figures["perplexity_to_unigram"])
    assert figures["unknown_share"] == figures["characters"] == 0


def test_nats_per_character_to_perplexity():
    assert perplexity_of(0) == 1
    assert perplexity_of(math.log(28)) == pytest.approx(28)
    assert perplexity_of(1e6) == perplexity_of(math.inf) == math.inf


def test_overflow_is_infinite():
    assert tally((1e6, 0, 0, 1, b"")).perplexity == math.inf
    assert tally((math.inf, 0, 0, 1, b"")).perplexity == math.inf


def test_nan_stays():
    result = tally((1.0, 0, 0, 1, b""), (math.nan, 0, 0, 1, b""))
    assert math.isnan(result.perplexity)
    assert result.figures["unigram_perplexity"] == 1


ROWS = [
    (1.0, 2.0, 3.0, 4, "春".encode(), 1.5, 2.5, 0.5),
    (0.5, 0.25, 4.0, 3, "夏a".encode(), 0.25, 0.5, 2.0),
    (0.125, 8.0, 16.0, 2, "春".encode(), 8.0, 4.0, 0.125),
]


@pytest.mark.parametrize("cut", range(4))
def test_merging_is_adding(cut):
    merged, other = tally(*ROWS[:cut]), tally(*ROWS[cut:])
    before = deepcopy(other)
    merged.merge(other)
    assert merged == tally(*ROWS)
    assert other == before


def test_tallies_share_nothing():
    first, second = tally(ROWS[0]), tally()
    second.merge(first)
    second.add(dict(zip(OUTPUTS, ROWS[1], strict=True)))
    assert first == tally(ROWS[0])
    assert Tally() == tally()
