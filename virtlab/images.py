"""Container images by hand: layers, config, manifest, and a registry to pull them from.

As the Open Container Initiative specifies them (OCI Image Format and Distribution Specification,
1.1): an image is blobs, and each blob is named by the SHA-256 digest of its bytes. A store of blobs
is a plain dictionary here, digest → bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import re
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, MutableMapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from virtlab.host import find_tool

Store = MutableMapping[str, bytes]
Descriptor = dict[str, Any]
Manifest = dict[str, Any]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_PATIENCE_S = 20


class ImageError(Exception):
    """An image cannot be made, fetched or unpacked; the message is one line."""


# --- layers -------------------------------------------------------------------------------------


def programs(*names: str) -> dict[str, Path]:
    """Find programs of this host with every shared library that they need in order to start.

    Args:
        names: programs on the search path, such as `sh`.

    Returns:
        The path in the image (`/bin/NAME`, and each library where the program looks for it), and
        the file of this host that belongs there.

    Raises:
        ImageError: a program is not here, or a library that it needs is not.
    """
    files: dict[str, Path] = {}
    for name in names:
        path = find_tool(name)
        if path is None:
            raise ImageError(f"no program {name} on this machine; choose another")
        files[f"/bin/{name}"] = Path(path).resolve()
        files |= {library: Path(library).resolve() for library in libraries(path)}
    return dict(sorted(files.items()))


def libraries(program: str) -> list[str]:
    """List the shared libraries and the loader that a program needs, as `ldd` finds them.

    Raises:
        ImageError: one of them is missing on this host, or `ldd` is.
    """
    try:
        run = subprocess.run(
            ["ldd", program], capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ImageError(f"cannot ask ldd what {program} needs: {error}") from None
    if missing := re.search(r"(\S+) => not found", run.stdout):
        raise ImageError(f"{program} needs {missing[1]}, which is not on this machine")
    return re.findall(r"(/\S+) \(0x", run.stdout)  # nothing for a static program


def pack(files: Mapping[str, str | bytes | Path | None]) -> bytes:
    """Pack files as a layer: an uncompressed tar archive that is the same bytes each time.

    Args:
        files: absolute path in the image → text, bytes, or a file of this host to copy. None makes
            a whiteout, which hides what a lower layer has there; a path that ends in "/" is a
            directory, and with None an opaque one, whose content in lower layers is hidden.

    Everything belongs to root and is dated 1970. What starts with `#!` or was executable on this
    host is executable in the image.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        made: set[str] = set()
        for path, content in sorted(files.items()):
            name = path.strip("/")
            folder, _, last = name.rpartition("/")
            if content is None:
                name = f"{name}/{OPAQUE}" if path.endswith("/") else f"{folder}/{WHITEOUT}{last}"
            elif path.endswith("/"):
                name += "/"
            _add_parents(tar, name.lstrip("/"), made)
            if not name.endswith("/"):
                _add_file(tar, name.lstrip("/"), content)
    return archive.getvalue()


def _add_parents(tar: tarfile.TarFile, name: str, made: set[str]) -> None:
    parts = name.split("/")[:-1]
    for end in range(1, len(parts) + 1):
        folder = "/".join(parts[:end])
        if folder not in made:
            made.add(folder)
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)


def _add_file(tar: tarfile.TarFile, name: str, content: str | bytes | Path | None) -> None:
    data = _content(content)
    executable = isinstance(content, Path) and bool(content.stat().st_mode & 0o100)
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    entry.mode = 0o755 if executable or data.startswith(b"#!") else 0o644
    tar.addfile(entry, io.BytesIO(data))


def _content(content: str | bytes | Path | None) -> bytes:
    if isinstance(content, Path):
        try:
            return content.read_bytes()
        except OSError as error:
            raise ImageError(f"{content!s}: cannot be read ({error.strerror})") from None
    return content.encode() if isinstance(content, str) else content or b""


# --- blobs --------------------------------------------------------------------------------------


def digest(data: bytes) -> str:
    """Return the name of a blob: the hash of its bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def keep(data: bytes, store: Store, kind: str) -> Descriptor:
    """Put a blob into the store and return its descriptor: media type, digest, size."""
    name = digest(data)
    store[name] = data
    return {"mediaType": kind, "digest": name, "size": len(data)}


def build(layers: Sequence[bytes], command: Sequence[str], store: Store) -> Manifest:
    """Make an image of uncompressed layers, base first; keep its blobs, return its manifest."""
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Cmd": list(command), "Env": ["PATH=/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
    }
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": keep(json.dumps(config).encode(), store, CONFIG),
        "layers": [keep(gzip.compress(layer, 6, mtime=0), store, LAYER) for layer in layers],
    }


def blobs(manifest: Manifest) -> dict[str, int]:
    """Return digest → size of all that a manifest lists, each blob once."""
    return {blob["digest"]: blob["size"] for blob in [manifest["config"], *manifest["layers"]]}


def unpack(manifest: Manifest, store: Mapping[str, bytes], folder: Path) -> None:
    """Unpack an image's layers over each other into an existing folder, base first.

    Raises:
        ImageError: a blob is missing or is not what its digest says.
    """
    for layer in manifest["layers"]:
        archive = io.BytesIO(gzip.decompress(_checked(layer["digest"], store)))
        with tarfile.open(fileobj=archive) as tar:
            entries = tar.getmembers()
            for entry in entries:
                _make_way(folder, entry)
            files = [one for one in entries if not Path(one.name).name.startswith(WHITEOUT)]
            if hasattr(tarfile, "data_filter"):  # Python 3.11.4 and newer
                tar.extractall(folder, files, filter="data")
            else:
                tar.extractall(folder, files)


def _checked(name: str, store: Mapping[str, bytes]) -> bytes:
    if name not in store:
        raise ImageError(f"the store has no blob {name[:19]}…; pull the image first")
    if digest(store[name]) != name:
        raise ImageError(f"the blob {name[:19]}… is damaged: its bytes have another digest")
    return store[name]


def _make_way(folder: Path, entry: tarfile.TarInfo) -> None:
    """Remove what an entry hides in lower layers, which are all that is unpacked so far."""
    path = folder / entry.name
    if not path.parent.resolve().is_relative_to(folder.resolve()) or path.name == "..":
        raise ImageError(f"a layer names {entry.name}, which lies outside the image")
    if path.name == OPAQUE:
        for hidden in path.parent.iterdir() if path.parent.is_dir() else ():
            _remove(hidden)
    elif path.name.startswith(WHITEOUT):
        _remove(path.with_name(path.name.removeprefix(WHITEOUT)))
    elif path.is_symlink() or (path.exists() and not (path.is_dir() and entry.isdir())):
        _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        for below in path.iterdir():
            _remove(below)
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


# --- on disk, and from a registry ---------------------------------------------------------------


def save(manifest: Manifest, store: Mapping[str, bytes], folder: Path, name: str) -> None:
    """Write an image as an OCI layout into an existing folder, with an index for `docker load`."""
    blob_folder = folder / "blobs" / "sha256"
    blob_folder.mkdir(parents=True)
    data = json.dumps(manifest).encode()
    for blob in (*blobs(manifest), digest(data)):
        content = data if blob == digest(data) else store[blob]
        (blob_folder / blob.removeprefix("sha256:")).write_bytes(content)
    entry = {"mediaType": MANIFEST, "digest": digest(data), "size": len(data)}
    entry["annotations"] = {"org.opencontainers.image.ref.name": name.rpartition(":")[2]}
    index = {"schemaVersion": 2, "manifests": [entry]}

    def path(blob: Descriptor) -> str:
        return "blobs/" + str(blob["digest"]).replace(":", "/")

    docker = {
        "Config": path(manifest["config"]),
        "RepoTags": [name],
        "Layers": [path(layer) for layer in manifest["layers"]],
    }
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    (folder / "index.json").write_text(json.dumps(index))
    (folder / "manifest.json").write_text(json.dumps([docker]))


class Registry:
    """A registry on this machine: two kinds of GET, for manifests and for blobs. A context manager.

    Attributes:
        address: where it listens, as `http://127.0.0.1:PORT`.
        sent: how many bytes it has sent of manifests and blobs.
        asked: the paths that were asked for, in order.
    """

    def __init__(self, store: Mapping[str, bytes]) -> None:
        self.store = store
        self.manifests: dict[str, bytes] = {}
        self.sent = 0
        self.asked: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def push(self, name: str, manifest: Manifest) -> None:
        """Offer an image as `repository:tag`, such as `greet:1`."""
        self.manifests[name] = json.dumps(manifest).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        registry = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # the name that http.server looks for
                content = registry._find(self.path)
                registry.asked.append(self.path)
                registry.sent += len(content or b"")  # before the client can have it all
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing: the notebook shows what was asked."""

        return Handler

    def _find(self, path: str) -> bytes | None:
        parts = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/(.+)", path)
        if not parts:
            return None
        repository, kind, reference = parts.groups()
        if kind == "manifests":
            return self.manifests.get(f"{repository}:{reference}")
        return self.store.get(reference)

    def __enter__(self) -> Registry:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def pull(address: str, name: str, store: Store) -> tuple[Manifest, list[str]]:
    """Fetch an image as `repository:tag`: its manifest, then the blobs that the store lacks.

    Returns:
        The manifest, and the digests of the blobs that were fetched, in order.

    Raises:
        ImageError: the registry does not answer, has no such image, or sends other bytes.
    """
    repository, _, tag = name.rpartition(":")
    manifest: Manifest = json.loads(_get(f"{address}/v2/{repository}/manifests/{tag}"))
    fetched = [blob for blob in blobs(manifest) if blob not in store]
    for blob in fetched:
        content = _get(f"{address}/v2/{repository}/blobs/{blob}")
        if digest(content) != blob:
            raise ImageError(f"{blob[:19]}…: the registry sent bytes with another digest")
        store[blob] = content
    return manifest, fetched


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is this machine


def _get(address: str) -> bytes:
    try:
        with _OPENER.open(address, timeout=_PATIENCE_S) as answer:
            content: bytes = answer.read()
            return content
    except (urllib.error.URLError, OSError) as error:
        raise ImageError(f"{address}: {error}") from None
