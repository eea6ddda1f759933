import pytest

from modules.errors import ConfigError, StorageError
from pipeline.root.failures import explained

pytestmark = pytest.mark.fast


@pytest.mark.parametrize(
    "cause",
    [
        OSError(28, "No space left on device"),
        OSError(122, "Disk quota exceeded"),
        RuntimeError("Error when executing query: database or disk is full query: ..."),
    ],
)
def test_a_full_disk_is_found_wherever_it_is_said(tmp_path, cause):
    error = ValueError("a stage failed")
    error.__cause__ = cause
    with (
        pytest.raises(StorageError, match=r"there is no room left .* \(\d+ MB are free\): free"),
        explained(str(tmp_path)),
    ):
        raise error


@pytest.mark.parametrize(
    "cause",
    [
        PermissionError(13, "Permission denied", "some/file"),
        OSError(30, "Read-only file system", "some/file"),
        RuntimeError("a stage\nsome/file; Permission denied\nand more"),
        RuntimeError("some/file: attempt to write a readonly database"),
    ],
)
def test_what_may_not_be_written_is_named(tmp_path, cause):
    error = ValueError("a stage failed")
    error.__context__ = cause
    with (
        pytest.raises(StorageError, match=r"may not write \([^\n]*some/file[^\n]*\): have it b"),
        explained(str(tmp_path)),
    ):
        raise error


@pytest.mark.parametrize("said", ["[Errno 27] File too large: 'some/file'", "disk I/O error query"])
def test_what_the_system_does_not_write_is_told(tmp_path, said):
    with (
        pytest.raises(StorageError, match=r"did not write or read .*: look at `ulimit -f`") as told,
        explained(str(tmp_path)),
    ):
        raise RuntimeError(f"a stage failed\n{said}")
    assert f"({said})" in str(told.value)


@pytest.mark.parametrize("said", ["file is not a database", "database disk image is malformed"])
def test_damaged_metadata(tmp_path, said):
    with (
        pytest.raises(StorageError, match=r"has a damaged metadata\.sqlite: remove that file and"),
        explained(str(tmp_path)),
    ):
        raise RuntimeError(f"Error when executing query: {said} query: CREATE TABLE")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("mysql_real_connect failed: errno: , error: ", r"the server of metadata answers no more"),
        ("mysql_query failed: errno: Lost connection to MySQL server", "metadata answers no more"),
        ("errno: Out of range value for column 'int_value' at row 1", "up to 2,147,483,647, and a"),
        ("CREATE command denied to user 'a'@'b' for table 'Type'", r"grant ALL on the database"),
        ("There are a subset of tables in MLMD instance.", "have it dropped and made anew, and"),
    ],
)
def test_what_a_server_does_not_do(tmp_path, said, told):
    with pytest.raises(StorageError, match=told), explained(str(tmp_path)):
        raise RuntimeError(f"Failed to establish connection: {said}")


@pytest.mark.parametrize("error", [ZeroDivisionError("0"), ConfigError("No space left on device")])
def test_whatever_else_stays_as_it_is(tmp_path, error):
    with pytest.raises(type(error)) as raised, explained(str(tmp_path)):
        raise error
    assert raised.value is error
