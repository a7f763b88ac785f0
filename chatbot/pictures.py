"""Pictures of items: read from the catalogue's folder, or fetched once where the owner allows it, and kept small."""

from __future__ import annotations

import hashlib
import io
import ipaddress
import logging
import os
import socket
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpcore
import httpx
from PIL import Image, ImageOps

from retrieval.types import Item

logger = logging.getLogger(__name__)
MAX_BYTES = 5_000_000  # of a picture as it lies or comes
MAX_PIXELS = 40_000_000  # of a picture before it is made small
SIZE = (1200, 400)  # at most so wide and so high is what is shown
SECONDS = 10.0  # for the whole of a fetch
FORGIVE_SECONDS = 24 * 3600.0  # so long a failure is remembered
_REDIRECTS = 3
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF")  # none that runs code or reads other files, as SVG and EPS do
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class PictureError(Exception):
    """Why there is no picture. It stays in this module and its log."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public network: not to this machine, its neighbours or a special use."""
    known = ipaddress.ip_address(address.split("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        inner = known.ipv4_mapped or known.sixtofour or (known.teredo[1] if known.teredo else None)
        if known in _NAT64:
            inner = ipaddress.IPv4Address(int(known) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return known.is_global and not known.is_multicast


class _TimedStream(httpcore.NetworkStream):
    """A connection that ends at a time, however slowly the other side drips."""

    def __init__(self, stream: httpcore.NetworkStream, until: float) -> None:
        self._stream, self._until = stream, until

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise PictureError("it takes too long")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, self._left()), self._until)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedNetwork(httpcore.SyncBackend):
    """Connects to allowed addresses alone, and to the very address that was checked: a name cannot change between."""

    def __init__(self, allowed: Callable[[str], bool], until: float) -> None:
        self._allowed, self._until = allowed, until

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        if not addresses or not all(self._allowed(address) for address in addresses):
            raise PictureError(f"{host} is not on the public network")
        left = max(0.1, self._until - time.monotonic())
        stream = super().connect_tcp(addresses[0], port, left, local_address, socket_options)
        return _TimedStream(stream, self._until)


class Pictures:
    """The pictures of one catalogue. Thread-safe; a picture is made once."""

    def __init__(
        self, folder: Path, cache: Path, *, fetch: bool = False, allowed: Callable[[str], bool] = is_public, base: str = ""
    ) -> None:
        """Take the folder of the catalogue and one for the small pictures.

        Args:
            folder: paths of pictures are taken from here and may not lead out of it.
            cache: small pictures and the memory of failures.
            fetch: URLs may be fetched; else nothing is ever requested from another host.
            allowed: whether an IP address may be asked.
            base: where the page is that shows them, without a slash at its end.
        """
        self._base = base
        self._folder, self._cache, self._fetch, self._allowed = folder.resolve(), cache, fetch, allowed
        self._locks = tuple(threading.Lock() for _ in range(64))

    def url(self, item: Item) -> str | None:
        """Return the address of an item's picture on this server; None: draw a cover.

        Nothing is read or fetched for it. The address may still answer 404, where the picture turns out to be none.
        """
        key = self._key(item.picture)
        if key is None or self._failed(key):
            return None
        return f"{self._base}/pictures/{quote(item.id, safe='')}"

    def file(self, item: Item) -> Path | None:
        """Return the small picture of an item (WebP), made or fetched now if need be; its stem changes with the source."""
        key = self._key(item.picture)
        if key is None:
            return None
        small = self._path(key, "webp")
        with self._locks[int(key[:8], 16) % len(self._locks)]:
            if small.is_file():
                return small
            if self._failed(key):
                return None
            small.parent.mkdir(parents=True, exist_ok=True)
            try:
                content = fetch(item.picture, self._allowed) if _is_url(item.picture) else self._read(item.picture)
                _keep(make_small(content), small)
            except (PictureError, OSError) as error:
                logger.info("no picture for item %s: %s", item.id, error)
                self._path(key, "failed").touch()
                return None
        return small

    def _key(self, picture: str) -> str | None:
        """Return the name of a picture's file in the cache, and None where there cannot be a picture."""
        if not picture or (_is_url(picture) and not self._fetch):
            return None
        source = picture
        if not _is_url(picture):
            path = self._inside(picture)
            if path is None:
                return None
            about = path.stat()
            source = f"{path}\n{about.st_mtime_ns}\n{about.st_size}"
        return hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()

    def _inside(self, picture: str) -> Path | None:
        """Return the file that a path means, with every link followed, if it lies in the folder of the catalogue."""
        try:
            path = (self._folder / picture).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):  # not there, a zero byte, links in a circle
            return None
        return path if path.is_relative_to(self._folder) and path.is_file() else None

    def _read(self, picture: str) -> bytes:
        path = self._inside(picture)
        if path is None or path.stat().st_size > MAX_BYTES:
            raise PictureError(f"the file is gone or larger than {MAX_BYTES} bytes")
        return path.read_bytes()

    def _path(self, key: str, ending: str) -> Path:
        return self._cache / key[:2] / f"{key}.{ending}"

    def _failed(self, key: str) -> bool:
        try:
            return time.time() - self._path(key, "failed").stat().st_mtime < FORGIVE_SECONDS
        except OSError:
            return False


def _is_url(picture: str) -> bool:
    return picture.lower().startswith(("http://", "https://"))


def _keep(content: bytes, path: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(content)
    os.replace(file.name, path)


def make_small(content: bytes) -> bytes:
    """Decode a picture and return it as WebP, at most :data:`SIZE`, its first frame, without metadata.

    Raises:
        PictureError: it is none, or too large.
    """
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:  # known from the header, before anything is unpacked
                raise PictureError(f"{image.width} x {image.height} pixels are too many")
            image.draft("RGB", SIZE)
            upright = ImageOps.exif_transpose(image)
            small = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
            small.thumbnail(SIZE)
            out = io.BytesIO()
            small.save(out, "WEBP", quality=80, exif=b"", xmp=b"", icc_profile=b"")
            return out.getvalue()
    except PictureError:
        raise
    except Exception as error:  # its decoders raise whatever a broken file makes them raise
        raise PictureError(f"it cannot be read as a picture: {type(error).__name__}: {error}") from error


def fetch(url: str, allowed: Callable[[str], bool] = is_public) -> bytes:
    """Fetch a picture; every redirect is checked as the first address is.

    Raises:
        PictureError: there is none to be had: the address, its answer, its type, its size or its time is wrong.
    """
    place = url
    try:
        with httpcore.ConnectionPool(network_backend=_CheckedNetwork(allowed, time.monotonic() + SECONDS)) as pool:
            for _ in range(_REDIRECTS + 1):
                found = _ask(pool, place)
                if isinstance(found, bytes):
                    return found
                place = found
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise PictureError(f"{type(error).__name__}: {error}") from error
    except (httpx.InvalidURL, OSError, ValueError) as error:
        raise PictureError(f"{type(error).__name__}: {error}") from error
    raise PictureError("it is redirected too often")


def _ask(pool: httpcore.ConnectionPool, place: str) -> bytes | str:
    """Return the content, or where the answer points."""
    url = httpx.URL(place)
    if url.scheme not in ("http", "https") or not url.host:
        raise PictureError("the address is none of the web")
    target = httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path)
    headers = [(b"Host", url.netloc), (b"User-Agent", b"zhiyin"), (b"Accept", b"image/*")]
    with pool.stream("GET", target, headers=headers) as answer:
        said = {name.lower(): value.decode("latin-1") for name, value in answer.headers}
        if answer.status in (301, 302, 303, 307, 308) and b"location" in said:
            return str(url.join(said[b"location"]))
        kind = said.get(b"content-type", "").split(";")[0].strip().lower()
        if answer.status != 200 or not kind.startswith("image/") or "svg" in kind:
            raise PictureError(f"the answer is {answer.status}, {kind or 'of no type'}")
        content = bytearray()
        for chunk in answer.iter_stream():
            content += chunk
            if len(content) > MAX_BYTES:
                raise PictureError(f"it is larger than {MAX_BYTES} bytes")
        return bytes(content)
