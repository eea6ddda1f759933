"""What is printed of a run, in a pipe and on a terminal of 80 columns."""

import io
import json
import math
import subprocess
import sys
from dataclasses import replace

import pytest
from rich.console import Console

from modules.corpus.account import Account
from pipeline.console import machines, tables, terminal, written
from pipeline.summary import Stage, Summary
from serving.protocol.answers import Candidate, Filled

pytestmark = pytest.mark.fast

FIGURES = {
    "perplexity": 101.216,
    "baseline_perplexity": 110.3,
    "unigram_perplexity": 426.1,
    "uniform_perplexity": 2582.0,
    "perplexity_to_unigram": 0.2375,
    "unknown_share": 0.0271,
    "characters": 6012.0,
}
SUMMARY = Summary(
    stages=[
        Stage("Transform", 0, True),
        Stage("Trainer", 12.34, False),
        Stage("Pusher", 0.5, False),
    ],
    corpus=Account(
        songs=61,
        characters=63_282,
        held_out_songs=6,
        held_out_characters=6_012,
        passed_over={},
        dropped={},
        opening="[i]想要有直升机",
    ),
    vocab_size=2582,
    splits={
        "train": FIGURES | {"perplexity": 60.5, "unknown_share": 0.0, "characters": 54_000.0},
        "eval": FIGURES,
    },
    gate_split="eval",
    blessed=True,
    reason="every threshold holds",
    pushed_to="runs/lyrics/serving/lyrics/1700000000",
    version=1_700_000_000,
    lyric="分开 我不能",
)


@pytest.fixture
def printed(capsys):
    """What `print_summary` prints of SUMMARY with changes, in a pipe."""

    def printed(**changes) -> str:
        tables.print_summary(replace(SUMMARY, **changes))
        return capsys.readouterr().out

    return printed


@pytest.fixture
def on_terminal(monkeypatch):
    """What `print_summary` prints of SUMMARY with changes, on a terminal."""

    def on_terminal(**changes) -> str:
        console = Console(
            file=io.StringIO(),
            width=80,
            force_terminal=True,
            color_system="standard",
            highlight=False,
        )
        monkeypatch.setattr(terminal, "stdout", console)
        tables.print_summary(replace(SUMMARY, **changes))
        return console.file.getvalue()

    return on_terminal


def rows(text: str) -> list[list[str]]:
    """The words of every line."""
    return [line.split() for line in text.splitlines()]


def test_what_the_tuner_found_is_one_line(printed):
    tuned = {"learning_rate": 0.00123456, "num_hiddens": 1024, "dropout": 0.15}
    line = "Tuned       learning_rate 0.00123456, num_hiddens 1024, dropout 0.15"
    assert line in printed(tuned=tuned).splitlines()
    assert "Tuned" not in printed()


def test_what_became_of_the_corpus_is_a_line_or_two(printed):
    lines = printed().splitlines()
    place = lines.index("Begins      [i]想要有直升机")
    assert lines[place - 1] == (
        "Corpus      61 songs, 63,282 characters; held out: 6,012 characters of 6 songs"
    )
    passed_over = {"hidden": 2, "of another kind": 1_000}
    corpus = Account(1, 9, 0, 0, passed_over, {"U+FEFF": 3, "U+001A": 1}, "一")
    assert (
        "Corpus      1 song, 9 characters; passed over: 2 hidden, 1,000 of another kind; "
        "dropped characters: 3 U+FEFF, 1 U+001A"
    ) in printed(corpus=corpus).splitlines()


def test_a_stage_shows_its_time_or_that_it_is_cached(printed):
    lines = rows(printed())
    assert lines[:5] == [
        ["stage", "time"],
        ["Transform", "cached"],
        ["Trainer", "12.3", "s"],
        ["Pusher", "0.5", "s"],
        ["together", "12.8", "s"],
    ]


def test_a_run_that_did_nothing_says_so(printed):
    sentence = "every stage is cached"
    assert sentence not in printed()
    assert sentence in printed(stages=[Stage("Transform", 0, True), Stage("Trainer", 0, True)])


def test_the_models_perplexity_stands_above_those_to_compare_it_with(printed):
    lines = rows(printed())
    start = lines.index(["perplexity,", "lower", "is", "better", "training", "held-out"])
    assert lines[start + 1 : start + 6] == [
        ["model", "60.50", "101.22"],
        ["last", "blessed", "model", "110.30", "110.30"],
        ["unigram", "426.10", "426.10"],
        ["uniform", "2,582.00", "2,582.00"],
        [],
    ]


NGRAM_FIGURES = FIGURES | {
    "ngram_perplexity": 90.5,
    "ngram_cache_perplexity": 80.25,
    "mixture_perplexity": 70.0,
    "perplexity_to_ngram": 1.118,
}


def test_n_grams_and_the_mixture_stand_between_the_model_and_the_unigrams(printed):
    splits = {"train": FIGURES, "validation": NGRAM_FIGURES, "eval": NGRAM_FIGURES}
    lines = rows(printed(splits=splits))
    start = lines.index(
        ["perplexity,", "lower", "is", "better", "training", "validation", "held-out"]
    )
    assert lines[start + 1 : start + 9] == [
        ["model", *["101.22"] * 3],
        ["mixture", *["70.00"] * 2],
        ["last", "blessed", "model", *["110.30"] * 3],
        ["n-gram", "and", "cache", *["80.25"] * 2],
        ["n-gram", *["90.50"] * 2],
        ["unigram", *["426.10"] * 3],
        ["uniform", *["2,582.00"] * 3],
        [],
    ]


def test_that_an_n_gram_wins_is_said_in_a_sentence(printed):
    sentence = "on little text an n-gram wins"
    assert sentence in printed(splits={"eval": NGRAM_FIGURES})
    assert sentence not in printed(splits={"eval": NGRAM_FIGURES | {"perplexity_to_ngram": 0.9}})
    assert sentence not in printed()


def test_the_weights_of_a_mixture_are_one_line(printed):
    weights = {"network": 0.314, "n-gram": 0.516, "cache": 0.17}
    text = printed(mixture_weights=weights)
    assert "Mixture     network 0.31, n-gram 0.52, cache 0.17\n" in text
    assert "Mixture" not in printed()


def test_characters_are_no_perplexity(printed):
    lines = rows(printed())
    start = lines.index(["characters", "training", "held-out"])
    assert lines[start + 1 : start + 4] == [
        ["scored", "54,000", "6,012"],
        ["not", "in", "the", "vocabulary", "0.00%", "2.71%"],
        [],
    ]


def test_both_tables_have_the_same_columns(printed):
    titles = [line for line in printed().splitlines() if line.endswith("held-out")]
    assert len(titles) == 2
    assert len({line.index("training") for line in titles}) == len(set(map(len, titles))) == 1


def test_without_a_blessed_model_before_it_there_is_no_row_for_one(printed):
    figures = {name: value for name, value in FIGURES.items() if name != "baseline_perplexity"}
    assert "last blessed model" not in printed(splits={"train": figures, "eval": figures})


def test_without_held_out_text_there_is_no_column_for_it(printed):
    text = printed(splits={"train": FIGURES}, gate_split="train")
    assert "held-out" not in text
    assert ["model", "101.22"] in rows(text)


def test_perplexities_that_are_no_numbers_are_shown(printed):
    splits = {"train": FIGURES | {"perplexity": math.nan}, "eval": {"perplexity": math.inf}}
    assert ["model", "nan", "inf"] in rows(printed(splits=splits))


def test_a_blessed_model_its_vocabulary_and_where_it_was_pushed(printed):
    text = printed()
    assert "Vocabulary  2,582 entries\n" in text
    assert "Model       blessed: every threshold holds\n" in text
    assert "Pushed to   runs/lyrics/serving/lyrics/1700000000\n" in text
    assert "gone" not in text


def test_a_refused_model_the_reason_and_that_nothing_was_pushed(printed):
    reason = "perplexity is 1200.5, not from 1 to 1000; " * 5
    text = printed(blessed=False, reason=reason, pushed_to=None, version=None, lyric=None)
    assert f"Model       not blessed: {reason}\n" in text
    assert "Pushed to   nowhere\n" in text
    assert "gRPC" not in text


def test_memory_is_not_taken_for_generality(printed):
    nothing, memory = "No text was held out.", "measures memory, not generality"
    text = printed()
    assert nothing not in text
    assert memory not in text
    text = printed(gate_split="train")
    assert nothing not in text
    assert memory in text
    text = printed(gate_split="train", splits={"train": FIGURES})
    assert f"{nothing} The gate looked at the training text, which {memory}.\n" in text


@pytest.mark.parametrize("lyric", ["", "分开\n\n 我不能 \n", "我" * 200])
def test_a_lyric_is_printed_whole(printed, lyric):
    assert printed(lyric=lyric).endswith(f"the pushed version continues:\n{lyric}\n")


TRICKY = "[red]分[/red] [/] [link=x] :heart: \\[b]"


def test_what_others_wrote_is_no_markup(printed, capsys):
    text = printed(reason=TRICKY, pushed_to=TRICKY, lyric=TRICKY)
    assert text.count(TRICKY) == 3
    written.print_texts([TRICKY])
    assert TRICKY in capsys.readouterr().out


def test_what_others_wrote_commands_no_terminal(printed, on_terminal):
    tricky = "\x1b[2J\x07\r\x9b31m"
    for text in (printed(lyric=tricky), on_terminal(lyric=tricky)):
        assert "�[2J���31m" in text
        assert "\x1b[2J" not in text
        assert not set("\x07\r\x9b") & set(text)


def test_colours_are_for_terminals(printed, on_terminal):
    assert "\x1b" not in printed() + printed(blessed=False)
    assert "\x1b[32mblessed\x1b[0m" in on_terminal()
    text = on_terminal(blessed=False)
    assert "\x1b[31mnot blessed\x1b[0m" in text


def test_on_a_terminal_the_models_perplexity_is_bold(on_terminal):
    (line,) = [line for line in on_terminal().splitlines() if "101.22" in line]
    assert line.startswith("\x1b[1mmodel")


FILLED = Filled(
    "想要有直升机",
    [
        [Candidate("直", 0.734), Candidate("\n", 0.0512), Candidate(" ", 0.04)],
        [Candidate("[b]", 1)],
    ],
)


def test_a_model_that_fills_in_has_pseudo_perplexities_and_an_example(printed):
    text = printed(task="fill", lyric=None, filled=FILLED)
    lines = rows(text)
    start = lines.index(["pseudo-perplexity,", "lower", "is", "better", "training", "held-out"])
    assert lines[start + 1] == ["model", "60.50", "101.22"]
    assert ["characters", "training", "held-out"] in lines
    assert text.endswith(
        "\nOver gRPC, the pushed version fills in:\n"
        "想要有直升机\n    直 73.4%   line end 5.1%   space 4.0%\n    [b] 100.0%\n"
    )
    titles = [line for line in text.splitlines() if line.endswith("held-out")]
    assert len({line.index("training") for line in titles}) == 1
    assert "fills in" not in printed()
    assert "pseudo" not in printed()


def test_json_of_what_is_filled_in(capsys):
    machines.print_json([FILLED])
    (filled,) = json.loads(capsys.readouterr().out)
    assert filled["text"] == "想要有直升机"
    assert filled["blanks"][0][0] == {"character": "直", "probability": 0.734}


def test_json_is_the_whole_summary(capsys):
    machines.print_json(SUMMARY)
    summary = json.loads(capsys.readouterr().out)
    assert summary["stages"][1] == {"name": "Trainer", "seconds": 12.34, "cached": False}
    assert summary["splits"]["eval"] == FIGURES
    assert summary["version"] == 1_700_000_000
    assert summary["lyric"] == "分开 我不能"


def test_json_has_no_nan(capsys):
    figures = {"perplexity": math.nan, "unigram_perplexity": math.inf, "characters": 0.0}
    machines.print_json(replace(SUMMARY, splits={"train": figures}))

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    summary = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert summary["splits"]["train"] == {
        "perplexity": None,
        "unigram_perplexity": None,
        "characters": 0.0,
    }


def test_neither_the_summary_nor_the_console_needs_tensorflow():
    code = (
        "import sys\n"
        "import pipeline.console.tables, pipeline.summary\n"
        "assert not {'tensorflow', 'tfx', 'grpc'} & sys.modules.keys()\n"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
