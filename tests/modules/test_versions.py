import pytest

from modules.versions import SERVED, directories, path_of

pytestmark = pytest.mark.fast


@pytest.fixture
def base(tmp_path):
    for name in ("10", "9", "00000002", "0", "１２", str(2**63), str(2**63 - 1), "notes", "-1"):
        (tmp_path / name).mkdir()
    (tmp_path / "7").write_text("a file is no version")
    return tmp_path


def test_versions_ascend_as_numbers_and_other_names_are_none(base):
    assert [*directories(str(base)).items()] == [
        (number, str(base / str(number))) for number in (9, 10, 2**63 - 1)
    ]


def test_tf_serving_takes_leading_zeros_too(base):
    served = directories(str(base), named=SERVED)
    assert [*served] == [0, 2, 9, 10, 2**63 - 1]
    assert served[2] == str(base / "00000002")


def test_no_directory_has_no_versions(tmp_path):
    assert directories(str(tmp_path / "nowhere")) == {}


def test_another_file_system_may_be_asked(base):
    class Bucket:
        def isdir(self, path):
            return not path.endswith("3")

        def listdir(self, path):
            return ["5/", "3/", "4/"]

    assert directories("gs://bucket", Bucket()) == {4: "gs://bucket/4", 5: "gs://bucket/5"}


def test_where_a_version_lies():
    assert path_of("gs://bucket/lyrics", 5) == "gs://bucket/lyrics/5"
