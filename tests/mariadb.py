"""A MariaDB server of Debian's package, with a directory of its own."""

import os
import shutil
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import pymysql
from waiting import until

_PATH = f"{os.environ['PATH']}:/usr/sbin"  # where Debian has it, and not every user looks
USER, PASSWORD = "team", "p@ss:w/rd 密%"


def binary(name: str) -> str | None:
    """Where a program of the package is."""
    return shutil.which(name, path=_PATH)


class MariaDb:
    """Runs from `start` to `stop`, as often as that is called; what it holds stays.

    Attributes:
        port: on this machine.
    """

    def __init__(self, directory: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._socket = directory / "socket"
        self._options = [f"--datadir={directory / 'data'}"]
        if os.getuid() == 0:  # which it would refuse to run as
            self._options.append("--user=root")
        subprocess.run(
            [
                *(binary("mariadb-install-db"), "--no-defaults", *self._options),
                *("--auth-root-authentication-method=normal", "--skip-test-db"),
            ],
            check=True,
            capture_output=True,
        )
        self._log = directory / "log"
        self._databases = 0

    def start(self, *options: str) -> None:
        """Returns when it answers."""
        command = [binary("mariadbd"), "--no-defaults", *self._options, f"--port={self.port}"]
        where = ["--bind-address=127.0.0.1", f"--socket={self._socket}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([*command, *where, *options], stderr=log)
        until(self._answers)

    def stop(self) -> None:
        """Returns when it has ended."""
        self._process.terminate()
        self._process.wait(60)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self._log.read_text()
        with suppress(pymysql.OperationalError):
            return bool(self.query("select 1"))
        return False

    def query(self, *statements: str) -> list[tuple]:
        """What the last of some statements of its administrator comes to."""
        with (
            pymysql.connect(unix_socket=str(self._socket), user="root", autocommit=True) as asked,
            asked.cursor() as cursor,
        ):
            for statement in statements:
                cursor.execute(statement)
            return [*cursor.fetchall()]

    def database(self, characters: str = "utf8mb4") -> str:
        """Makes an empty one, in which the user may do all; returns its name."""
        self._databases += 1
        name = f"lyrics{self._databases}"
        self.query(
            f"create database {name} character set {characters}",
            f"create user if not exists {USER}@'127.0.0.1' identified by '{PASSWORD}'",
            f"grant all on {name}.* to {USER}@'127.0.0.1'",
        )
        return name

    def url(self, database: str, password: str | None = PASSWORD, user: str = USER) -> str:
        """What `--metadata` is to be given."""
        login = user if password is None else f"{user}:{quote(password, '')}"
        return f"mysql://{login}@127.0.0.1:{self.port}/{database}"
