"""Fetch a web address within limits, and refuse private addresses. The only module that fetches.

subtle: host names are resolved here, every resolved address is checked, and the connection goes to the address that was
checked. So neither a redirect nor a name that resolves differently the second time leads into the private network
(server-side request forgery).
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urldefrag, urljoin, urlsplit, urlunsplit

import httpcore

from index.errors import FootnoteError

MOST_REDIRECTS = 5
_AGENT = "Footnote (a reader of the pages its user names)"
_PIECE = 65_536


_CARRIERS = (ipaddress.ip_network("::ffff:0:0/96"), ipaddress.ip_network("64:ff9b::/96"))
"""IPv6 ranges that carry an IPv4 address: the sockets' own mapping, and public NAT64."""
_GIVEN_OUT = ipaddress.ip_network("2000::/3")
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        [
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"),
            *("100.64.0.0/10", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
        ],
    )
)


class Unfetched(FootnoteError):
    """An address that was not fetched. The message is one line and says why."""


@dataclass(frozen=True)
class Fetched:
    """The content at an address.

    `address` is the last one after redirects, `kind` the content type without parameters.
    """

    address: str
    kind: str
    charset: str | None
    data: bytes


@dataclass(frozen=True)
class FetchLimits:
    """The limits of a fetch: bytes (unpacked), seconds in all, content types."""

    bytes: int
    seconds: float
    kinds: frozenset[str]
    allow_private: bool = False


def is_address(text: str) -> bool:
    """True if `text` names a web page rather than a file."""
    return bool(re.match(r"https?://", text, re.IGNORECASE))


def fetch(address: str, limits: FetchLimits) -> Fetched:
    """Fetch the content at `address`, following redirects. Raises Unfetched."""
    deadline = time.monotonic() + limits.seconds
    backend = _Checked(limits.allow_private)
    with httpcore.ConnectionPool(ssl_context=ssl.create_default_context(), network_backend=backend) as pool:
        for _ in range(MOST_REDIRECTS + 1):
            address = _checked(address)
            try:
                found = _get(pool, address, limits, deadline)
            except (httpcore.TimeoutException, TimeoutError) as error:
                raise Unfetched(f"took longer than {limits.seconds:g} s") from error
            except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
                raise Unfetched(f"can't be reached: {_reason(error)}") from error
            if isinstance(found, Fetched):
                return found
            try:
                address = urljoin(address, found)
            except ValueError as error:
                raise Unfetched("redirects to something that is not a web address") from error
    raise Unfetched(f"redirects more than {MOST_REDIRECTS} times")


def _reason(error: BaseException) -> str:
    """Return why a connection failed, from the error or its causes, without error numbers."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, socket.gaierror):
            return "the host is unknown. Check the address, and that this machine is online"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not trusted ({cause.verify_message.rstrip('.')})"
        if isinstance(cause, ConnectionRefusedError):
            return "nothing answers there (the connection was refused)"
        cause = cause.__cause__ or cause.__context__
    return "the connection broke, or the server does not speak HTTP"


def _checked(address: str) -> str:
    try:
        parts = urlsplit(address)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise Unfetched(f"{address[:200]!r} is not a web address: expected http:// or https:// and a host")
    if parts.username or parts.password:
        raise Unfetched("contains a name or password, which would be stored with the source: remove it")
    return urldefrag(address).url


def _get(pool: httpcore.ConnectionPool, address: str, limits: FetchLimits, deadline: float) -> Fetched | str:
    """Return the content at `address`, or the address that it redirects to."""
    left = max(0.1, deadline - time.monotonic())
    timeout = {"connect": left, "read": left, "write": left, "pool": left}
    headers: dict[bytes | str, bytes | str] = {
        "User-Agent": _AGENT,
        "Accept-Encoding": "identity",
        "Accept": ", ".join(sorted(limits.kinds)),
    }
    with pool.stream("GET", _ascii(address), headers=headers, extensions={"timeout": timeout}) as response:
        fields = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        if response.status in (301, 302, 303, 307, 308) and "location" in fields:
            return fields["location"]
        if response.status != 200:
            raise Unfetched(f"answers with status {response.status}")
        kind, _, rest = fields.get("content-type", "").partition(";")
        kind = kind.strip().lower()
        if kind not in limits.kinds:
            raise Unfetched(f"is {kind or 'of unknown type'}, not one of {', '.join(sorted(limits.kinds))}")
        if fields.get("content-length", "").isdigit() and int(fields["content-length"]) > limits.bytes:
            raise _too_large(limits)
        packed = fields.get("content-encoding", "identity").lower()
        charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", rest)
        data = _read(response.iter_stream(), packed, limits, deadline)
        return Fetched(address, kind, charset.group(1) if charset else None, data)


def _read(pieces: Iterable[bytes], packed: str, limits: FetchLimits, deadline: float) -> bytes:
    if packed not in ("identity", "", "gzip", "x-gzip", "deflate"):
        raise Unfetched(f"is compressed as {packed[:40]!r}, although Footnote requested no compression")
    unpack = zlib.decompressobj(47) if packed not in ("identity", "") else None
    data = bytearray()
    for piece in pieces:
        if time.monotonic() > deadline:
            raise TimeoutError
        try:
            data += unpack.decompress(piece, limits.bytes + 1 - len(data)) if unpack else piece
        except zlib.error as error:
            raise Unfetched("is compressed in a way that can't be unpacked") from error
        if len(data) > limits.bytes:
            raise _too_large(limits)
    return bytes(data)


def _too_large(limits: FetchLimits) -> Unfetched:
    return Unfetched(f"is larger than the limit of {limits.bytes / 1e6:g} MB: raise FOOTNOTE_MAX_SOURCE_MB")


def _ascii(address: str) -> str:
    """Return the address in ASCII: the host in punycode, other letters percent-encoded."""
    parts = urlsplit(address)
    try:
        host = (parts.hostname or "").encode("idna").decode()
        port = f":{parts.port}" if parts.port else ""
    except (UnicodeError, ValueError) as error:
        raise Unfetched("has an invalid host or port: check the spelling") from error
    host = f"[{host}]" if ":" in host else host
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]")
    return urlunsplit((parts.scheme.lower(), host + port, path, query, ""))


class _Checked(httpcore.NetworkBackend):
    """A network backend that connects to public addresses only."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._inner = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the address of `host` that was checked."""
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not self._allow_private and (private := [one for one in addresses if not is_public(one)]):
            raise Unfetched(
                f"is at {private[0]}, which is not a public address: set FOOTNOTE_ALLOW_PRIVATE_ADDRESSES=true to read "
                "pages of your own network"
            )
        return self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None
    ) -> httpcore.NetworkStream:
        """Refuse: a web address names no socket."""
        raise Unfetched("is not a web address")


def is_public(address: str) -> bool:
    """True for an IP address of the public internet.

    Of IPv6 only the allocated range counts (2000::/3); an address that carries an IPv4 address, as translators make
    them, counts as that one. Ranges for tunnels, documentation, measurements and private use are not public. Source:
    the special-purpose address registries of IANA.
    """
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(one, ipaddress.IPv6Address) and one.scope_id:
        return False
    if isinstance(one, ipaddress.IPv6Address):
        carried = next((net for net in _CARRIERS if one in net), None)
        if not carried and one not in _GIVEN_OUT:
            return False
        one = ipaddress.IPv4Address(int(one) & 0xFFFFFFFF) if carried else one
    # subtle: which ranges Python calls global depends on its version.
    return one.is_global and not one.is_multicast and not any(one in net for net in _NOT_PUBLIC)
