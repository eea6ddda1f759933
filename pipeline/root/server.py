"""The server of a store that several roots share: MySQL or MariaDB. No TFX here."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, unquote, urlsplit

from modules.checks import Options, option
from modules.errors import ConfigError, StorageError

PASSWORD = "MYSQL_PWD"  # what MySQL's own programs read, and ML Metadata with them
_SECONDS = 5  # without an answer, after which the server is given up
_PORT = 3306
_FORM = "mysql://USER[:PASSWORD]@HOST[:PORT]/DATABASE"
_REMEDY = (
    " (what was given is not shown, as it may hold a password): give "
    f"{_FORM}, with percent-encoding for what is no letter or digit, as %2F for /"
)


@dataclass(frozen=True)
class Server:
    """A database on a server, and who asks.

    Attributes:
        host: name or IP address.
        port: where it listens.
        database: that all tables are in, and nothing else.
        user: of the server's.
        password: None if the environment has it, or there is none.
    """

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """The address, without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        user, database = quote(self.user, ""), quote(self.database, "")
        return f"mysql://{user}@{host}:{self.port}/{database}"

    @property
    def tcp_host(self) -> str:
        """For clients that take `localhost` for a socket's file, whose port would mean nothing."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    def check(self) -> None:
        """Logs in, since ML Metadata's own client does not say why it could not.

        Raises:
            StorageError: if nobody answers soon, the login is refused, or there is no database.
        """
        import pymysql  # which --help does not need

        password = os.environ.get(PASSWORD, "") if self.password is None else self.password
        limits = dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), _SECONDS)
        try:
            pymysql.connect(
                host=self.tcp_host,
                port=self.port,
                user=self.user,
                password=password.encode(),  # else it would be Latin-1
                database=self.database,
                ssl_disabled=True,  # as ML Metadata's client, which cannot verify a server
                **limits,
            ).close()
        except pymysql.MySQLError as error:
            code, said = [*error.args, ""][:2]
            raise self._refused(code, said) from error
        except (OSError, RuntimeError, ValueError, IndexError) as error:
            raise self._refused(None, error) from error

    def _refused(self, code: object, said: object) -> StorageError:
        remedy = _REMEDIES.get(code, "have it be a MySQL or MariaDB server that lets the user in")
        names = {"database": self.database, "user": self.user, "password": PASSWORD}
        return StorageError(
            "{metadata} cannot be used ({said}): {remedy}",
            {"metadata": str(self)},
            said=" ".join(str(said).split()),
            remedy=remedy.format_map(names),
        )


@contextmanager
def logged_in(server: Server | None) -> Iterator[None]:
    """Lets ML Metadata log in, where that is needed, until the context is left.

    It has the password from the environment alone: TFX logs what a connection is made of.

    Raises:
        StorageError: if the server does not let the user in.
    """
    if server:
        server.check()
    before = os.environ.get(PASSWORD)
    if server and server.password is not None:
        os.environ[PASSWORD] = server.password
    try:
        yield
    finally:
        os.environ.pop(PASSWORD, None)
        if before is not None:
            os.environ[PASSWORD] = before


_LOGIN = "check user and password, which {password} may hold, and that no TLS is asked for"
_DATABASE = (
    "have its administrator `CREATE DATABASE {database} CHARACTER SET utf8mb4` and "
    "`GRANT ALL ON {database}.* TO {user}`"
)
_ANSWER = "start the server, or check host and port"
_REMEDIES: dict[object, str] = {  # by the codes of the protocol
    1044: _DATABASE,
    1045: _LOGIN,
    1049: _DATABASE,
    1698: _LOGIN,
    2003: _ANSWER,
    2013: _ANSWER,
    3159: "let the user in without TLS, which ML Metadata's client cannot verify",
}


@dataclass(frozen=True, repr=False)
class MetadataOptions(Options, group="Metadata"):
    """Where the metadata of the runs are.

    Raises:
        ConfigError: if that is no address of a store; it never shows what was given.
    """

    metadata: str | None = option(
        None,
        f"Store that several roots may share: {_FORM}. The password is better in the environment "
        f"variable {PASSWORD}: every user of a machine can read its command lines.",
        shown="a file of SQLite in --root",
        metavar="URL",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.server()

    def server(self) -> Server | None:
        """The server of that address; None for a file in the root."""
        if self.metadata is None:
            return None
        try:
            parts = urlsplit(self.metadata)
            port = parts.port
        except ValueError:  # which quotes what may be a part of the password
            raise _wrong("has no host, or no number from 1 to 65535 for a port") from None
        if said := _missing(parts):
            raise _wrong(said)
        try:
            user, password, database = (
                unquote(text or "", errors="strict")
                for text in (parts.username, parts.password, parts.path[1:])
            )
        except UnicodeDecodeError:
            raise _wrong("has percent-encoding that is no UTF-8") from None
        host, given = parts.hostname or "", None if parts.password is None else password
        return Server(host, port or _PORT, database, user, given)


def _missing(parts: SplitResult) -> str | None:
    """What an address lacks, or has too much; None if it can be one."""
    if parts.scheme != "mysql":
        return "does not begin with mysql://"
    if not parts.username:
        return "names no user"
    if not parts.hostname:
        return "names no host"
    if parts.port == 0:
        return "has no number from 1 to 65535 for a port"
    if not parts.path[1:] or {*"/@"} & {*parts.path[1:]}:
        return "names no database, or more than one"
    if parts.query or parts.fragment:
        return "has more than a database after its host"
    return None


def _wrong(said: str) -> ConfigError:
    return ConfigError(f"{{metadata.name}} {said}{_REMEDY}", {"metadata": None})
