"""How application virtualization lays a package over a host: files by mode, registry by key.

After what the makers of two products document. VMware ThinApp gives each folder an isolation mode
(merged, write copy, full) and keeps changes in a sandbox. Microsoft App-V gives each registry key
of a package a rule (merge with the local key, or override it) and hides a key by marking it
deleted. A model: no product runs here. Paths and names are plain text, without rights and links.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

MERGED, WRITE_COPY, FULL = "merged", "write copy", "full"
MERGE, OVERRIDE, DELETE = "merge", "override", "delete"
MODES = (MERGED, WRITE_COPY, FULL)
RULES = (MERGE, OVERRIDE, DELETE)

Layer = Mapping[str, tuple[str, Mapping[str, str]]]


@dataclass
class VirtualFiles:
    """The files that a packaged application sees.

    Attributes:
        package: path → text; never changed.
        host: path → text; changed only in merged folders.
        mode: the isolation mode of all folders.
        sandbox: path → text that the application wrote, or None for what it removed.
    """

    package: Mapping[str, str]
    host: dict[str, str]
    mode: str
    sandbox: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"no isolation mode {self.mode!r}; there are: {', '.join(MODES)}")

    def read(self, path: str) -> str | None:
        """Return what the application finds at a path; None for nothing."""
        if path in self.sandbox:
            return self.sandbox[path]
        if path in self.package:
            return self.package[path]
        return None if self.mode == FULL else self.host.get(path)

    def write(self, path: str, text: str | None) -> None:
        """Write a text, or remove a path with None."""
        own = path in self.sandbox or path in self.package
        if own or self.mode != MERGED:
            self.sandbox[path] = text
        elif text is None:
            self.host.pop(path, None)
        else:
            self.host[path] = text

    def names(self) -> list[str]:
        """List all paths that the application sees."""
        paths = {*self.host, *self.package, *self.sandbox}
        return sorted(path for path in paths if self.read(path) is not None)


def merged_keys(layers: Sequence[Layer]) -> dict[str, dict[str, str]]:
    """Return the registry that an application sees.

    Args:
        layers: the lowest (the host's) first; each maps a key to its rule and its values. Override
            and delete hide the key and its subkeys of all lower layers.
    """
    seen: dict[str, dict[str, str]] = {}
    for layer in layers:
        for key, (rule, _) in layer.items():
            if rule in (OVERRIDE, DELETE):
                below = [one for one in seen if one == key or one.startswith(key + "\\")]
                for one in below:
                    del seen[one]
        for key, (rule, values) in layer.items():
            if rule != DELETE:
                seen.setdefault(key, {}).update(values)
    return seen
