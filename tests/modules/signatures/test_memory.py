"""The largest requests take a bounded part of the memory, whatever they ask for."""

import json
import subprocess
import sys

import pytest

MIB = 1024  # that a request may take; what its units and their gates are is most of it

CODE = """
import json, sys
from pathlib import Path

import numpy as np
import tensorflow as tf

from modules.hyperparameters import Hyperparameters
from modules.network.fill import FillModel
from modules.network.model import LanguageModel
from modules.signatures.filling import ServableFillModel
from modules.signatures.language import ServableModel
from modules.vocabulary.indices import Vocabulary

SIZE = 6000
file = Path(sys.argv[1]) / "characters"
file.write_text("<unk>\\n10\\n" + "".join(f"{code}\\n" for code in range(0x4E00, 0x4E00 + SIZE)))
vocabulary = Vocabulary(str(file), "keep")
sizes = Hyperparameters(cell="lstm", num_hiddens=256, embedding_size=64)
unigram = np.full(vocabulary.size, -3.0)
language = ServableModel(LanguageModel(vocabulary.size, sizes), vocabulary, unigram)
fill = ServableFillModel(FillModel(vocabulary.size, sizes), vocabulary, unigram)


def mebibytes(figure):
    (line,) = (line for line in open("/proc/self/status") if line.startswith(figure))
    return int(line.split()[1]) // 1024


def texts(rows, length, character="一"):
    return tf.constant([character * length] * rows)


def ask(signature, **inputs):
    before = mebibytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    signature(**inputs)
    return mebibytes("VmHWM") - before


def generate(prefix, num_chars, **options):
    defaults = {"temperature": 1.0, "top_k": 0, "top_p": 0.9, "repetition_penalty": 1.1}
    inputs = {name: tf.constant([value]) for name, value in (defaults | options).items()}
    seed, stop = tf.constant([0], tf.int64), tf.constant(["二"])
    return language.generate(prefix, tf.constant([num_chars]), **inputs, seed=seed, stop=stop)


ten = tf.constant([10])
generate(texts(1, 1), 1)  # what TensorFlow sets up once
print(json.dumps({
    "long texts scored": ask(language.score, text=texts(10, 10_000)),
    "many lyrics": ask(generate, prefix=texts(1000, 90), num_chars=10),
    "beams": ask(language.generate_beam, prefix=texts(62, 90), num_chars=ten, width=ten + 6),
    "what follows": ask(language.next_char, prefix=texts(10_000, 10), top_k=ten),
    "long blanks": ask(fill.fill, text=texts(10, 1000, "□"), top_k=ten),
}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc/self/clear_refs")
def test_the_largest_requests(tmp_path):
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    peaks = json.loads(ran.stdout)
    assert max(peaks.values()) < MIB, peaks
