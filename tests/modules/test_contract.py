import pytest

from modules.contract import blank_out

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    ("text", "blanked"),
    [("春", "□"), ("分开", "分□"), ("不分开", "不□开"), ("□分开", "□分开"), ("想□有□", "想□有□")],
)
def test_the_middle_is_missing_where_nothing_else_is(text, blanked):
    assert blank_out(text) == blanked
