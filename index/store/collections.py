"""Where a generation's vectors are, in its folder or in a collection on a server, and which index owns the collection.

A collection is called footnote-IDENTITY-GENERATION. The identity is created once for an index folder and is never that
of a copy of the folder, so that no index removes what another index put on the same server.
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
    """A collection on a server, as the manifest of a generation names it."""

    url: str
    tenant: str
    database: str
    collection: str

    @property
    def server(self) -> Server:
        """Return the server of the collection, without a token.

        The token that is set is meant for the server in the settings.
        """
        return Server(self.url, self.tenant, self.database)

    def on(self, server: Server | None) -> bool:
        """True if the collection is in that database of that server."""
        return server is not None and replace(server, token="") == self.server


def new_place(index: Path, server: Server, generation: str) -> VectorCollection:
    """Return the collection on the server for a generation of this index."""
    return VectorCollection(server.url, server.tenant, server.database, f"{prefix(index)}{generation}")


def where(folder: Path, place: VectorCollection | None, server: Server | None) -> Path | Remote:
    """Return where the vectors of the generation in `folder` can be read.

    `server`, the one in the settings, is used if it is the manifest's server or has the collection too: the server's
    address may have changed.
    """
    if place is None:
        return folder / "vectors"
    if server and (place.on(server) or server.has(place.collection)):
        return Remote(server, place.collection)
    return Remote(place.server, place.collection)


def misplaced(folder: Path, place: VectorCollection | None, server: Server | None) -> str:
    """Say that the vectors are not where the settings say; "" if they are."""
    at = where(folder, place, server)
    if (at.server if isinstance(at, Remote) else None) == server:
        return ""
    held = f"on the Chroma server at {place.url}" if place else "in the index folder"
    wanted = f"says {server.url}" if server else "is not set"
    return f"its vectors are {held} and FOOTNOTE_CHROMA_URL {wanted}"


def is_own(index: Path, place: VectorCollection | None) -> bool:
    """False for vectors on a server that belong to an index of which this is a copy."""
    return place is None or place.collection.startswith(f"footnote-{_known(index)}-")


def prefix(index: Path) -> str:
    """Return the prefix of the names of this index's collections.

    Only the process that writes the index may call it: the first call creates an identity, and so does the first call
    after the index folder was copied.
    """
    name = _known(index)
    if not name:
        name = secrets.token_hex(6)
        temporary = index / f"{_IDENTITY}.tmp"
        with temporary.open("w", encoding="ascii") as stream:
            # A copied file has another inode than the one that is written in it; a renamed file keeps it.
            stream.write(f"{name} {os.fstat(stream.fileno()).st_ino}")
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(index / _IDENTITY)
    return f"footnote-{name}-"


def _known(index: Path) -> str:
    path = index / _IDENTITY
    with contextlib.suppress(OSError, ValueError):
        name, number = path.read_text("ascii").split()
        if int(number) == path.stat().st_ino:
            return name
    return ""


def sweep(index: Path, server: Server) -> None:
    """Remove the collections of this index that belong to no generation on disk.

    Other collections are never touched. Raises VectorServerError.
    """
    own = prefix(index)
    needed = {f"{own}{folder.name}" for folder in (index / "generations").glob("*")}
    for name in [one for one in server.collections() if one.startswith(own) and one not in needed]:
        server.drop(name)
