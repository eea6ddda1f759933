"""Lyrics from real servers on this machine: of the web, of S3, and of an emulator of Google's."""

import errno
import json
import os
import pickle
import socket
import ssl
import struct
import sys
import tempfile
import urllib.request
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote

import pytest
import trustme

from modules.corpus import addresses, files, reader, transfer
from modules.corpus.documents import passages
from modules.corpus.fetching import Fetched
from modules.corpus.kinds import open_archive
from modules.corpus.reader import CorpusOptions
from modules.errors import CorpusError, StorageError

pytestmark = pytest.mark.fast


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """Whose copies lie under `tmp_path / "temporary"`, and are gone in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    fetched = Fetched()
    yield fetched
    fetched.close()
    assert os.listdir(folder) == []


def texts(pattern, fetched):
    """The corpus's texts by the names of the documents."""
    found = {}
    archives = files.match(pattern, fetched)
    for document in reader.inspect(archives, CorpusOptions(), fetched).documents:
        with open_archive(document.path, 100, fetched) as archive:
            texts = passages(archive, document, 0, document.characters)
            found[document.name] = "".join(text for _, text in texts)
    return found


def refusal(address, fetched) -> str:
    """What is said of an address; in one line, and with no copy left."""
    with pytest.raises(CorpusError) as refused:
        texts(address, fetched)
    copies = [name for _, _, names in os.walk(tempfile.gettempdir()) for name in names]
    assert copies == []
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(f"{address} ")
    return str(refused.value).removeprefix(address)


def test_a_zip_and_a_text_of_the_web_are_asked_for_once(web, fetched, pack, tmp_path):
    pack(tmp_path / "web" / "歌.zip", {"a.txt": "一二"})
    (tmp_path / "web" / "b.txt").write_text("三")
    address = f"{web.address}/{quote('歌.zip')}?at=once"
    for _ in range(2):
        assert texts(address, fetched) == {"歌.zip/a.txt": "一二\n"}
        files.fingerprint(files.match(address, fetched), fetched)
    assert len(web.asked) == 1
    assert texts(f"{web.address}/b.txt?raw", fetched) == {"b.txt": "三\n"}


def test_after_it_was_closed_it_looks_anew(web, fetched, tmp_path):
    song = tmp_path / "web" / "a.txt"
    for text in ("一", "二"):
        song.write_text(text)
        assert texts(f"{web.address}/a.txt", fetched) == {"a.txt": f"{text}\n"}
        fetched.close()
    assert len(web.asked) == 2


def test_what_is_sent_to_a_worker_takes_the_copies_along(web, fetched, tmp_path):
    (tmp_path / "web" / "a.txt").write_text("一")
    address = f"{web.address}/a.txt"
    assert texts(address, fetched) == texts(address, pickle.loads(pickle.dumps(fetched)))
    assert len(web.asked) == 1
    sent = pickle.dumps(fetched)
    fetched.close()  # as on another machine
    elsewhere = pickle.loads(sent)
    assert texts(address, elsewhere) == {"a.txt": "一\n"}
    assert len(web.asked) == 2
    elsewhere.close()


class Odd(BaseHTTPRequestHandler):
    """Answers as its path says."""

    def do_GET(self):
        status, headers, body = {
            "/no.zip": (404, {}, b""),
            "/secret.zip": (403, {}, b""),
            "/busy.zip": (503, {}, b""),
            "/page.txt": (200, {"Content-Type": "text/html"}, b"\n<!DOCTYPE html><p>Sign in"),
            "/no-zip": (200, {}, b"what is this"),
            "/huge.zip": (200, {"Content-Length": str(2**33)}, b""),
            "/cut.zip": (200, {"Content-Length": "1000"}, b"PK\3\4"),
            "/reset.zip": (200, {"Content-Length": "1000"}, b"PK\3\4"),
            "/endless.zip": (200, {}, bytes(2**16)),
        }[self.path]
        self.send_response(status)
        for header in headers.items():
            self.send_header(*header)
        self.end_headers()
        self.wfile.write(body)
        if self.path == "/reset.zip":
            at_once = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            os.close(self.connection.detach())

    def log_message(self, *args):
        pass


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no.zip", " cannot be read (404: nothing is there): check the address"),
        (
            "secret.zip",
            " cannot be read (403: access denied): give credentials by which it may be read",
        ),
        ("busy.zip", " cannot be read (503: Service Unavailable): check the address, or try later"),
        ("page.txt", " is a web page, not a zip or a .txt file: give the address at which"),
        ("huge.zip", " has 8,192 MB or more, and at most 4,096 MB are fetched: take out"),
        ("reset.zip", " cannot be read (the connection was cut before all had come): try again"),
        ("cut.zip", " cannot be read (the connection was cut before all had come): try again"),
    ],
)
def test_what_the_web_does_not_have(web, fetched, path, message):
    web.RequestHandlerClass = Odd
    said = refusal(f"{web.address}/{path}", fetched)
    assert said.startswith(message)
    print(said)


def test_what_is_no_zip_is_told_after_it_was_fetched(web, fetched):
    web.RequestHandlerClass = Odd
    with pytest.raises(
        CorpusError, match=r"/no-zip is not a zip, a \.txt file or a folder of them"
    ):
        texts(f"{web.address}/no-zip", fetched)


def test_no_end_is_waited_for(web, fetched, monkeypatch):
    web.RequestHandlerClass = Odd
    monkeypatch.setattr(transfer, "LARGEST", 2**15)
    assert "MB are fetched" in refusal(f"{web.address}/endless.zip", fetched)


def test_how_far_it_is_is_said(web, fetched, tmp_path, monkeypatch, caplog):
    (tmp_path / "web" / "a.txt").write_text("一" * 2**20)
    monkeypatch.setattr(transfer, "SECONDS", 0)
    with caplog.at_level("INFO"):
        texts(f"{web.address}/a.txt", fetched)
    assert caplog.messages[-1] == f"fetching {web.address}/a.txt: 3.0 of 3.0 MB"


def test_nobody_listens(fetched):
    with socket.socket() as unused:
        unused.bind(("localhost", 0))
        address = f"http://localhost:{unused.getsockname()[1]}/a.zip"
        assert " cannot be read (Cannot connect to host" in refusal(address, fetched)


def test_an_unknown_host(fetched):
    said = refusal("https://nowhere.invalid/a.zip", fetched)
    assert said.startswith(" cannot be read (its host is not known): check the address, and the")


def test_a_server_says_nothing(fetched, monkeypatch):
    monkeypatch.setattr(addresses, "SECONDS", 0.2)
    with socket.create_server(("localhost", 0)) as silent:
        address = f"http://localhost:{silent.getsockname()[1]}/a.zip"
        assert " cannot be read (" in (said := refusal(address, fetched))
        assert "imeout" in said


def test_proxies_are_not_asked_of_this_machine(web, fetched, tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://localhost:9")
    (tmp_path / "web" / "a.txt").write_text("一")
    assert texts(f"{web.address}/a.txt", fetched) == {"a.txt": "一\n"}
    fetched.close()
    assert "localhost:9" in refusal("http://nowhere.invalid/a.txt", fetched)


def test_a_certificate_that_is_not_trusted(web, fetched):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    web.socket = context.wrap_socket(web.socket, server_side=True)
    said = refusal(web.address.replace("http:", "https:") + "/a.zip", fetched)
    assert said.startswith(" cannot be read (no secure connection: ")
    assert "trust who issued its certificate by SSL_CERT_FILE" in said


def test_no_room(web, fetched, tmp_path, monkeypatch):
    (tmp_path / "web" / "a.txt").write_text("一")
    monkeypatch.setattr(transfer._File, "relative_update", full)
    with pytest.raises(
        StorageError, match=r"no room for http://.*/a\.txt in .*: free some, or name"
    ):
        texts(f"{web.address}/a.txt", fetched)


def full(*args):
    raise OSError(errno.ENOSPC, "No space left on device")


def put(bucket, **members):
    for name, content in members.items():
        bucket.put_object(
            Key=name, Body=content if isinstance(content, bytes) else content.encode()
        )


@pytest.mark.parametrize("scheme", ["s3", "minio"])
def test_a_bucket_is_read_as_the_folders_of_this_machine_are(
    bucket, fetched, pack, tmp_path, scheme
):
    songs = {"in/a.txt": "一", "b.txt": "二", ".c.txt": "三", "cover.jpg": "四"}
    put(bucket, **{f"songs/{name}": text for name, text in songs.items()}, **{"songs/": ""})
    zipped = pack(tmp_path / "a.zip", {"a.txt": "五"}).read_bytes()
    put(bucket, **{"zips/a.zip": zipped, "zips/b.txt": "六", "一.txt": "七"})
    place = f"{scheme}://{bucket.name}"
    of_the_folder = {"songs/b.txt": "二\n", "songs/in/a.txt": "一\n"}
    for folder in (f"{place}/songs", f"{place}/songs/"):
        assert texts(folder, fetched) == of_the_folder
    (archive,) = files.match(f"{place}/songs", fetched).values()
    with open_archive(archive, 100, fetched) as opened:
        assert opened.passed_over == {".c.txt": "hidden", "cover.jpg": "of another kind"}
    assert texts(f"{place}/zips/a.zip", fetched) == {"a.zip/a.txt": "五\n"}
    assert texts(f"{place}/zips/*", fetched) == {"a.zip/a.txt": "五\n", "b.txt": "六\n"}
    assert texts(f"{place}/一.txt", fetched) == {"一.txt": "七\n"}


def test_only_texts_are_fetched_and_each_once(bucket, fetched):
    put(bucket, **{"a.txt": "一", "film.mp4": bytes(2**20)})
    texts(f"s3://{bucket.name}", fetched)
    assert fetched.bytes_fetched() == 3
    put(bucket, **{"a.txt": "二", "b.txt": "三"})
    assert [*texts(f"s3://{bucket.name}", fetched).values()] == ["一\n"]
    fetched.close()
    assert [*texts(f"s3://{bucket.name}", fetched).values()] == ["二\n", "三\n"]


def test_what_a_bucket_does_not_have(bucket, fetched, monkeypatch):
    for address in (f"s3://{bucket.name}/no.zip", "s3://no-such-bucket/a.zip", "s3://no-such"):
        with pytest.raises(CorpusError, match=f"^no such file: {address}: give the path"):
            texts(address, fetched)
    with pytest.raises(CorpusError, match=r"^nothing matches s3://.*/\*\.zip: give a pattern"):
        texts(f"s3://{bucket.name}/*.zip", fetched)
    put(bucket, **{"a.txt": "一", "b.zip": "二"})
    with pytest.raises(CorpusError, match=r"'b\.zip' is an archive in a folder.* give a pattern"):
        texts(f"s3://{bucket.name}", fetched)
    fetched.close()
    monkeypatch.setattr(transfer, "LARGEST", 2)
    assert "MB are fetched" in refusal(f"s3://{bucket.name}/a.txt", fetched)


@pytest.mark.parametrize(
    "address",
    [
        *("http://", "http://[::1", "http://localhost:99999/a.zip", "http://\udcff/a.zip"),
        *(f"http://{'a' * 300}/a.zip", "s3://", "s3://a_!/a.zip", "s3://a*/b.zip", "s3://a/\udcff"),
    ],
)
def test_what_is_no_address(s3_environment, fetched, address):
    assert " cannot be read (" in (said := refusal(address, fetched)) or "is no address (" in said


def test_s3_without_credentials(bucket, fetched, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "give credentials" in refusal(f"s3://{bucket.name}/a.zip", fetched)


def test_minio_without_an_endpoint(bucket, fetched, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    said = refusal(f"minio://{bucket.name}/a.zip", fetched)
    assert said.startswith(" does not say where the server is: set AWS_ENDPOINT_URL")


@pytest.mark.slow  # s3fs tries five times
def test_no_store_listens(bucket, fetched, monkeypatch):
    with socket.socket() as unused:
        unused.bind(("localhost", 0))
        endpoint = f"http://localhost:{unused.getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        said = refusal(f"s3://{bucket.name}/a.zip", fetched)
    assert "Could not connect to the endpoint URL" in said


def test_what_is_not_installed(fetched, monkeypatch):
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(CorpusError) as refused:
        texts("s3://songs/a.zip", fetched)
    assert str(refused.value) == (
        "s3://songs/a.zip needs s3fs, which is not installed: `pip install 'tfx-lyrics[cloud]'` "
        "does that"
    )


def test_a_scheme_that_nobody_knows(fetched):
    with pytest.raises(CorpusError, match=r"^ftp://b/a\.zip cannot be read: addresses begin with"):
        texts("ftp://b/a.zip", fetched)


class Token(BaseHTTPRequestHandler):
    """Hands out a token to whoever asks."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        token = {"access_token": "token", "expires_in": 3600, "token_type": "Bearer"}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(token | {"id_token": "", "scope": ""}).encode())

    def log_message(self, *args):
        pass


@pytest.fixture
def google(web, tmp_path, monkeypatch):
    """An emulator of Google's store, which needs a token, with a bucket `songs`."""
    from gcp_storage_emulator.server import create_server

    web.RequestHandlerClass = Token
    credentials = {"type": "authorized_user", "client_id": "i", "client_secret": "s"}
    credentials |= {"refresh_token": "r", "token_uri": f"{web.address}/token"}
    (tmp_path / "credentials.json").write_text(json.dumps(credentials))
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]
    server = create_server("localhost", port, in_memory=True, default_bucket="songs")
    server.start()
    monkeypatch.setenv("CLOUD_STORAGE_EMULATOR_ENDPOINT", f"http://localhost:{port}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "credentials.json"))

    def put(name, content):
        url = f"http://localhost:{port}/upload/storage/v1/b/songs/o?uploadType=media&name={name}"
        request = urllib.request.Request(url, content, method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    yield put
    server.stop()


def test_a_bucket_of_google_s(google, fetched, pack, tmp_path):
    google("in/a.txt", "一".encode())
    google("in/b/c.txt", "二".encode())
    google("a.zip", pack(tmp_path / "a.zip", {"a.txt": "三"}).read_bytes())
    assert texts("gs://songs/in/", fetched) == {"in/a.txt": "一\n", "in/b/c.txt": "二\n"}
    assert texts("gs://songs/a.zip", fetched) == {"a.zip/a.txt": "三\n"}
    assert texts("gs://songs/*.zip", fetched) == {"a.zip/a.txt": "三\n"}
    with pytest.raises(CorpusError, match=r"^no such file: gs://songs/no\.zip: give the"):
        texts("gs://songs/no.zip", fetched)
