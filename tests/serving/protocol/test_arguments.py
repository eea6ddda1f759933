import pytest

from serving.protocol.arguments import as_texts

pytestmark = pytest.mark.fast


def test_texts_are_sent_in_normal_form():
    given = ["e\u0301te\u0301", "a\r\nb\rc\u2028", "\ufeff春\x1a", "ok"]
    assert as_texts("prefix", given) == ["été", "a\nb\nc\n", "春", "ok"]
