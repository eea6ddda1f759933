"""The same model is the same to the byte, whichever process made it and wherever that lay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from components import saved_models

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
SAVE = """
import sys
import numpy as np
import tensorflow as tf
from modules.hyperparameters import Hyperparameters
from modules.signatures.tasks import make_servable
from modules.vocabulary.indices import Vocabulary

vocabulary = Vocabulary(sys.argv[1], "keep")
for task in ("language", "fill"):
    sizes = {"num_hiddens": 4, "embedding_size": 4, "seed": 1}
    tf.keras.utils.set_random_seed(1)
    unigram = np.log(np.full(vocabulary.size, 1 / vocabulary.size))
    servable = make_servable(Hyperparameters(task=task, **sizes), vocabulary, unigram, 0.3)
    servable.save(f"{sys.argv[2]}/{task}")
"""


def save(folder: Path, hash_seed: str) -> Path:
    """Saves models of both tasks, of a vocabulary in this folder, in a process of their own."""
    folder.mkdir()
    # Some are what NFC makes of several.
    lines = ["<unk>", *(str(ord(character)) for character in "\n aéüñÅが각")]
    (folder / "characters").write_text("\n".join(lines) + "\n")
    subprocess.run(
        [sys.executable, "-c", SAVE, str(folder / "characters"), str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
    )
    return folder


def test_neither_its_place_nor_its_process_is_part_of_a_model(tmp_path):
    one, other = save(tmp_path / "one", "1"), save(tmp_path / "another one", "2")
    for task in ("language", "fill"):
        assert saved_models.digest(str(one / task)) == saved_models.digest(str(other / task))
