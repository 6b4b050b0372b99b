"""Script, style and icon, held in memory under an address that changes with them."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

from starlette.responses import Response

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOLDER: Final = Path(__file__).parent / "static"


class Statics:
    """The files of the folder ``static``, read once."""

    def __init__(self) -> None:
        paths = sorted(path for path in _FOLDER.iterdir() if path.suffix in _TYPES)
        self._files = {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in paths}
        digest = sha256()
        for name, (content, _) in self._files.items():
            digest.update(name.encode() + b"\0" + content)
        self.version = digest.hexdigest()[:16]

    def url(self, name: str) -> str:
        """Return the address of a file; modules find each other beside themselves."""
        assert name in self._files, name
        return f"/static/{self.version}/{name}"

    def answer(self, version: str, name: str) -> Response:
        """Return a file; an old page's version is answered with the present file, unkept."""
        found = self._files.get(name)
        if found is None:
            return Response(status_code=404)
        content, media_type = found
        is_current = version == self.version
        keep = "public, max-age=31536000, immutable" if is_current else "no-store"
        return Response(content, media_type=media_type, headers={"Cache-Control": keep})
