"""Where the vectors of a generation are: in its folder or as a collection on a server, and whose collection that is.

A collection is called footnote-IDENTITY-GENERATION. The identity is made once for an index folder and is never that of
a copy of it, so that no index ever removes what another one put on the same server.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from index.store.chroma_server import Remote, Server

_IDENTITY = "identity"


@dataclass(frozen=True)
class VectorCollection:
    """A collection, as the manifest of a generation names it."""

    url: str
    tenant: str
    database: str
    collection: str

    @property
    def server(self) -> Server:
        """Its server, without a token: one that is set is meant for the server in the settings."""
        return Server(self.url, self.tenant, self.database)

    def on(self, server: Server | None) -> bool:
        """True when it is in that database of that server."""
        return server is not None and replace(server, token="") == self.server


def new_place(index: Path, server: Server, generation: str) -> VectorCollection:
    """Where on the server a generation of this index goes."""
    return VectorCollection(server.url, server.tenant, server.database, f"{prefix(index)}{generation}")


def where(folder: Path, place: VectorCollection | None, server: Server | None) -> Path | Remote:
    """Where the vectors of the generation in `folder` can be read.

    On `server`, the one in the settings, when it is the place or has the collection too: its address may have changed.
    """
    if place is None:
        return folder / "vectors"
    if server and (place.on(server) or server.has(place.collection)):
        return Remote(server, place.collection)
    return Remote(place.server, place.collection)


def misplaced(folder: Path, place: VectorCollection | None, server: Server | None) -> str:
    """In words, that the vectors are not where the settings say; "" when they are."""
    at = where(folder, place, server)
    if (at.server if isinstance(at, Remote) else None) == server:
        return ""
    held = f"on the Chroma server at {place.url}" if place else "in the index folder"
    wanted = f"says {server.url}" if server else "is not set"
    return f"its vectors are {held} and FOOTNOTE_CHROMA_URL {wanted}"


def is_own(index: Path, place: VectorCollection | None) -> bool:
    """False for vectors on a server that another index put there, of which this one is a copy."""
    return place is None or place.collection.startswith(f"footnote-{_known(index)}-")


def prefix(index: Path) -> str:
    """What the names of this index's collections begin with. Only whoever writes the index may ask: the first time, and
    when the index folder is found to be a copy, an identity is made."""
    name = _known(index)
    if not name:
        name = secrets.token_hex(6)
        beside = index / f"{_IDENTITY}.tmp"
        with beside.open("w", encoding="ascii") as stream:
            # A copied file has another number than the one that is written in it; a renamed one keeps it.
            stream.write(f"{name} {os.fstat(stream.fileno()).st_ino}")
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(index / _IDENTITY)
    return f"footnote-{name}-"


def _known(index: Path) -> str:
    path = index / _IDENTITY
    with contextlib.suppress(OSError, ValueError):
        name, number = path.read_text("ascii").split()
        if int(number) == path.stat().st_ino:
            return name
    return ""


def sweep(index: Path, server: Server) -> None:
    """Remove the collections of this index that belong to no generation on disk; other people's are never touched.

    Raises VectorServerError.
    """
    own = prefix(index)
    needed = {f"{own}{folder.name}" for folder in (index / "generations").glob("*")}
    for name in [one for one in server.collections() if one.startswith(own) and one not in needed]:
        server.drop(name)
