"""The commands that ask a running server: `lyrics generate`, `score`, `fill` and `next`."""

from typing import Any

import click
import cloup
from click.core import ParameterSource

from modules.contract import DEFAULT_CANDIDATES, MAX_CANDIDATES, MAX_CHARS, MAX_WIDTH, OPTIONS
from pipeline.commands.client_options import client_options, connect
from pipeline.commands.command_line import all_of, json_option
from pipeline.commands.texts import ask_in_batches, text_arguments
from pipeline.console import heat_map, machines, ranked, written

_SAMPLING_OPTIONS = [
    cloup.option(
        "--temperature",
        type=click.FloatRange(0),
        default=OPTIONS["temperature"],
        show_default=True,
        help="0 takes the likeliest character, 1 draws from the model's distribution.",
    ),
    cloup.option(
        "--top-k",
        type=click.IntRange(0, 2**31 - 1),
        default=OPTIONS["top_k"],
        show_default=True,
        help="Draw from the k likeliest characters; 0 draws from all.",
    ),
    cloup.option(
        "--top-p",
        type=click.FloatRange(0, 1, min_open=True),
        default=OPTIONS["top_p"],
        show_default=True,
        help="Draw from the likeliest characters that together are so probable.",
    ),
    cloup.option(
        "--repetition-penalty",
        type=click.FloatRange(0, min_open=True),
        default=OPTIONS["repetition_penalty"],
        show_default=True,
        help="Above 1, what was written lately becomes less likely.",
    ),
    cloup.option(
        "--seed",
        type=click.IntRange(0, 2**63 - 1),
        default=OPTIONS["seed"],
        show_default=True,
        help="Same seed, same characters.",
    ),
    cloup.option(
        "--stop",
        default=OPTIONS["stop"],
        show_default="nothing",
        help="Write no more after this; for a line end, $'\\n' in bash.",
    ),
]


@cloup.command()
@text_arguments("PREFIX")
@cloup.option(
    "--num-chars",
    type=click.IntRange(0, MAX_CHARS),
    default=OPTIONS["num_chars"],
    show_default=True,
    help="Characters to append.",
)
@all_of(_SAMPLING_OPTIONS)
@cloup.option(
    "--beam",
    type=click.IntRange(1, MAX_WIDTH),
    show_default="no search",
    help="Look for the likeliest text as a whole, following so many at a time; show them all.",
)
@client_options
@json_option
@click.pass_context
def generate(
    context: click.Context,
    texts: list[str],
    beam: int | None,
    batch_size: int,
    as_json: bool,
    client: dict,
    num_chars: int,
    **sampling: Any,
) -> None:
    """Continue each PREFIX, by asking a running server.

    A single text appears as it is written. A PREFIX of - stands for the lines of standard input.
    """
    drawn = [name for name in sampling if _is_given(context, name)]
    if beam and drawn:
        raise click.UsageError(
            f"--beam draws nothing: drop --{drawn[0].replace('_', '-')}, or --beam"
        )
    options = {"num_chars": num_chars, **sampling}
    with connect(**client) as connection:
        if beam:
            beams = ask_in_batches(
                lambda batch: connection.generate_beam(batch, num_chars, beam), texts, batch_size
            )
            if as_json:
                machines.print_json(list(beams))
            else:
                written.print_beams(beams)
        elif as_json:
            answers = ask_in_batches(
                lambda batch: connection.generate_scored(batch, **options), texts, batch_size
            )
            machines.print_json(list(answers))
        elif len(texts) == 1:
            written.print_stream(texts[0], connection.stream(texts[0], **options))
        else:
            lyrics = ask_in_batches(
                lambda batch: connection.generate(batch, **options), texts, batch_size
            )
            written.print_texts(lyrics)


@cloup.command()
@text_arguments("TEXT")
@client_options
@json_option
def score(texts: list[str], batch_size: int, as_json: bool, client: dict) -> None:
    """Score each TEXT, by asking a running server.

    The lower the perplexity, the likelier the model finds the text. On a terminal, colours show
    where it was surprised; --json has each character's log-probability and rank. A TEXT of -
    stands for the lines of standard input.
    """
    with connect(**client) as connection:
        scores = ask_in_batches(connection.score, texts, batch_size)
        if as_json:
            machines.print_json(list(scores))
        else:
            heat_map.print_scores(texts, scores)


@cloup.command()
@text_arguments("TEXT")
@cloup.option(
    "--top-k",
    type=click.IntRange(1, MAX_CANDIDATES),
    default=5,
    show_default=True,
    help="Candidates for each missing character.",
)
@client_options
@json_option
def fill(texts: list[str], top_k: int, batch_size: int, as_json: bool, client: dict) -> None:
    """Fill in each TEXT, by asking a running server.

    A □ stands for each missing character. The server's model is one of `lyrics run --task fill`.
    A TEXT of - stands for the lines of standard input.
    """
    with connect(**client) as connection:
        answers = ask_in_batches(lambda batch: connection.fill(batch, top_k), texts, batch_size)
        if as_json:
            machines.print_json(list(answers))
        else:
            ranked.print_filled(answers)


@cloup.command(name="next")
@text_arguments("PREFIX")
@cloup.option(
    "--top-k",
    type=click.IntRange(1, MAX_CANDIDATES),
    default=DEFAULT_CANDIDATES,
    show_default=True,
    help="Candidates to show.",
)
@client_options
@json_option
def next_(texts: list[str], top_k: int, batch_size: int, as_json: bool, client: dict) -> None:
    """Say what may follow each PREFIX, by asking a running server.

    A PREFIX of - stands for the lines of standard input.
    """
    with connect(**client) as connection:
        answers = ask_in_batches(
            lambda batch: connection.next_char(batch, top_k), texts, batch_size
        )
        if as_json:
            machines.print_json(list(answers))
        else:
            ranked.print_candidates(texts, answers)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
