"""What a model writes after the book's prefixes."""

from collections.abc import Callable

import tensorflow as tf

from modules import contract, features

PREFIXES = ("分开", "不分开")
_NUM_CHARS = 50  # as many as the book prints


def write_lyrics(
    generate: Callable[..., dict[str, tf.Tensor]], temperature: float = 0.0
) -> dict[str, str]:
    """Asks a model to go on.

    Args:
        generate: the model's signature of that name.
        temperature: 0 takes the likeliest character, as the book does; else one of the 20
            likeliest is drawn.

    Returns:
        the prefix and what follows, by prefix.
    """
    options = contract.OPTIONS | {
        contract.NUM_CHARS: _NUM_CHARS,
        contract.TEMPERATURE: temperature,
        contract.TOP_K: 20,
    }
    outputs = generate(
        **{contract.PREFIX: tf.constant(PREFIXES)},
        **{name: tf.constant([v], contract.DTYPES[name]) for name, v in options.items()},
    )
    texts = (text.decode() for text in outputs[features.TEXT].numpy())
    return dict(zip(PREFIXES, texts, strict=True))
