"""What is kept from build to build: outputs of executed pages, and what else takes long to make."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any


def digest(*parts: str) -> str:
    """The digest by which things made from these parts are known."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


class Store:
    """A JSON file per digest, written whole or not at all; what cannot be read is as if it were not there."""

    def __init__(self, folder: Path, recipe: str = "") -> None:
        self.folder, self.recipe = folder, recipe
        self._asked: set[str] = set()

    def get(self, digest: str) -> Any:
        """What was put under this digest, or None."""
        self._asked.add(digest)
        try:
            return json.loads((self.folder / f"{digest}.json").read_bytes())
        except (OSError, ValueError):
            return None

    def put(self, digest: str, value: Any) -> None:
        """Keep what JSON can say. Raises OSError, and leaves nothing half-written."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".part", delete=False, encoding="utf-8") as file:
            try:
                json.dump(value, file, sort_keys=True)
                file.flush()
                os.replace(file.name, self.folder / f"{digest}.json")
            except BaseException:
                os.unlink(file.name)  # on a full disk it would be in the way
                raise

    def recall(self, make: Callable[..., Any], *inputs: Any) -> Any:
        """What ``make`` returns for these inputs, made now or before. It depends on them and on the recipe alone."""
        key = digest(json.dumps([self.recipe, make.__module__, make.__qualname__, inputs], sort_keys=True))
        if (found := self.get(key)) is None:
            found = make(*inputs)
            self.put(key, found)
        return found

    def keep_only(self, digests: Iterable[str] | None = None) -> None:
        """Remove all but these, or all that nobody has asked for."""
        wanted = {f"{digest}.json" for digest in (self._asked if digests is None else digests)}
        for path in self.folder.glob("*"):
            if path.name not in wanted:
                path.unlink()
