"""Host names and addresses as URLs and requests write them."""

from __future__ import annotations

import ipaddress
import re

_AUTHORITY = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))(?::(?P<port>[0-9]{1,5}))?")


def split_authority(text: str, port: int) -> tuple[str, int]:
    """Split "name:port" into the name in a standard spelling and the port.

    The name is in lower case, IPv6 without brackets, and empty if `text` has none. `port` is the default.
    """
    found = _AUTHORITY.fullmatch(text)
    if not found:
        return "", 0
    name = (found["name"] or "").lower().rstrip(".")
    if found["six"]:
        try:
            name = str(ipaddress.IPv6Address(found["six"]))
        except ValueError:
            return "", 0
    return name, int(found["port"] or port)


def in_url(host: str) -> str:
    """Return `host` as a URL writes it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def is_loopback(host: str) -> bool:
    """True if only this machine reaches a server on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def host_names(text: str) -> list[str]:
    """Return the names in a comma-separated list.

    Raises ValueError for a name that is invalid or has a port.
    """
    names = list[str]()
    for one in filter(None, (part.strip() for part in text.split(","))):
        name, port = split_authority(in_url(one), 0)
        if not name or port:
            raise ValueError(f"{one!r} is no host name, or has a port")
        names.append(name)
    return names
