from collections import Counter

import pytest

from benchmarks import scale_corpus

pytestmark = pytest.mark.fast

TEXTS = {f"{n}.txt": "\n".join(f"第{n}首{line}行" for line in range(n + 2)) for n in range(20)}


def lines_of(texts) -> Counter:
    return Counter(line for text in texts.values() for line in text.split("\n"))


def test_the_first_copy_is_the_corpus_and_the_others_its_lines_in_other_orders(tmp_path):
    file = tmp_path / "3.zip"
    characters = scale_corpus.write(TEXTS, 3, file)
    made = scale_corpus.read(file)
    assert sum(map(len, made.values())) == characters == 3 * sum(map(len, TEXTS.values()))
    copies = [
        {name[4:]: text for name, text in made.items() if name.startswith(f"{copy:03d}/")}
        for copy in range(3)
    ]
    assert copies[0] == TEXTS
    for copy in copies[1:]:
        assert lines_of(copy) == lines_of(TEXTS)
        assert {name: text.count("\n") for name, text in copy.items()} == {
            name: text.count("\n") for name, text in TEXTS.items()
        }
    assert TEXTS != copies[1] != copies[2] != TEXTS


def test_a_part_of_a_copy_is_its_first_documents_and_the_same_is_made_again(tmp_path):
    scale_corpus.write(TEXTS, 0.25, tmp_path / "part.zip")
    assert list(scale_corpus.read(tmp_path / "part.zip").values()) == list(TEXTS.values())[:5]
    for name in ("a.zip", "b.zip"):
        scale_corpus.write(TEXTS, 2, tmp_path / name)
    first, second = (scale_corpus.read(tmp_path / name) for name in ("a.zip", "b.zip"))
    assert first == second
