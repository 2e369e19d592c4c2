"""Images by hand: layers, digests, whiteouts, a registry."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from virtlab import images

NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))


def image(*layers: bytes) -> tuple[images.Manifest, dict[str, bytes]]:
    store: dict[str, bytes] = {}
    return images.build(layers, ["/app/run"], store), store


def files_of(folder: Path) -> dict[str, str]:
    return {
        "/" + str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def prefix_free(layer: dict[str, str | None]) -> dict[str, str | None]:
    """Leave out what would lie below a file or a whiteout of the same layer."""
    return {
        path: content
        for path, content in layer.items()
        if not any(path.startswith(other + "/") for other in layer)
    }


def test_a_layer_is_the_same_bytes_each_time() -> None:
    files = {"/b": "2", "/a/x": b"1"}
    assert images.pack(files) == images.pack(dict(reversed(files.items())))


def test_a_script_may_be_run_and_a_text_may_not() -> None:
    layer = images.pack({"/run": "#!/bin/sh\n", "/text": "hello\n"})
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        assert [entry.mode & 0o111 for entry in tar.getmembers()] == [0o111, 0]


def test_manifest_and_config_name_the_layers(tmp_path: Path) -> None:
    layer = images.pack({"/app/run": "#!/bin/sh\n"})
    manifest, store = image(layer)
    config = json.loads(store[manifest["config"]["digest"]])
    assert config["rootfs"]["diff_ids"] == [images.digest(layer)]
    assert gzip.decompress(store[manifest["layers"][0]["digest"]]) == layer
    assert all(size == len(store[blob]) for blob, size in images.blobs(manifest).items())


def test_whiteouts_and_opaque_directories_hide_lower_layers_only(tmp_path: Path) -> None:
    base = images.pack({"/etc/old": "1", "/etc/kept": "2", "/cache/x": "3"})
    upper = images.pack({"/etc/old": None, "/cache/": None, "/cache/y": "4"})
    images.unpack(*image(base, upper), tmp_path)
    assert files_of(tmp_path) == {"/etc/kept": "2", "/cache/y": "4"}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(PATHS, st.one_of(st.none(), st.text("xyz", max_size=2)))))
def test_unpacking_applies_one_layer_after_the_other(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[dict[str, str | None]]
) -> None:
    layers = [prefix_free(layer) for layer in drawn]
    seen: dict[str, str] = {}
    for layer in layers:
        for path, content in layer.items():
            # A file or a whiteout takes the place of what was here, and below; a file on the way
            # to it makes room for a directory.
            on_the_way = {str(parent) for parent in Path(path).parents}
            seen = {
                old: text
                for old, text in seen.items()
                if old != path and not old.startswith(path + "/") and old not in on_the_way
            }
            if content is not None:
                seen[path] = content
    folder = tmp_path_factory.mktemp("root")
    images.unpack(*image(*map(images.pack, layers)), folder)
    assert files_of(folder) == seen


def test_a_layer_cannot_write_outside(tmp_path: Path) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../escaped"))
    root = tmp_path / "root"
    root.mkdir()
    with pytest.raises(images.ImageError, match="outside the image"):
        images.unpack(*image(archive.getvalue()), root)
    assert not (tmp_path / "escaped").exists()


def test_a_pull_fetches_what_is_missing_and_nothing_else() -> None:
    base, first, second = (images.pack({f"/{name}": name}) for name in ("base", "one", "two"))
    store: dict[str, bytes] = {}
    mine: dict[str, bytes] = {}
    with images.Registry(store) as registry:
        registry.push("app:1", images.build([base, first], ["/one"], store))
        registry.push("app:2", images.build([base, second], ["/two"], store))
        old, fetched = images.pull(registry.address, "app:1", mine)
        assert set(fetched) == set(images.blobs(old))
        new, fetched = images.pull(registry.address, "app:2", mine)
        assert set(fetched) == set(images.blobs(new)) - set(images.blobs(old))
        sent = registry.sent
        assert images.pull(registry.address, "app:2", mine)[1] == []
        assert registry.sent - sent == len(registry.manifests["app:2"])
    assert mine == store


def test_a_pull_refuses_what_is_not_there_or_was_tampered_with() -> None:
    manifest, store = image(images.pack({"/a": "true"}))
    layer = manifest["layers"][0]["digest"]
    store[layer] = store[layer][:-1] + b"!"
    with images.Registry(store) as registry:
        registry.push("app:1", manifest)
        with pytest.raises(images.ImageError, match="another digest"):
            images.pull(registry.address, "app:1", {})
        with pytest.raises(images.ImageError, match="404"):
            images.pull(registry.address, "app:2", {})
    with pytest.raises(images.ImageError):
        images.pull(registry.address, "app:1", {})  # it listens no more


def test_unpacking_refuses_missing_and_damaged_blobs(tmp_path: Path) -> None:
    manifest, store = image(images.pack({"/a": "1"}))
    layer = manifest["layers"][0]["digest"]
    with pytest.raises(images.ImageError, match="damaged"):
        images.unpack(manifest, store | {layer: b"other"}, tmp_path)
    del store[layer]
    with pytest.raises(images.ImageError, match="no blob"):
        images.unpack(manifest, store, tmp_path)


def test_a_saved_image_is_an_oci_layout(tmp_path: Path) -> None:
    manifest, store = image(images.pack({"/a": "1"}), images.pack({"/b": "2"}))
    images.save(manifest, store, tmp_path, "greet:1")
    index = json.loads((tmp_path / "index.json").read_text())

    def blob(digest: str) -> bytes:
        return (tmp_path / "blobs" / digest.replace(":", "/")).read_bytes()

    assert json.loads(blob(index["manifests"][0]["digest"])) == manifest
    for file in (tmp_path / "blobs" / "sha256").iterdir():
        assert images.digest(file.read_bytes()) == f"sha256:{file.name}"
    docker = json.loads((tmp_path / "manifest.json").read_text())[0]
    assert docker["RepoTags"] == ["greet:1"]
    assert all((tmp_path / layer).exists() for layer in [docker["Config"], *docker["Layers"]])


def test_programs_come_with_their_libraries() -> None:
    files = images.programs("sh")
    assert files["/bin/sh"].exists()
    assert set(files) == {"/bin/sh", *images.libraries("/bin/sh")}
    with pytest.raises(images.ImageError, match="no program no-such-program"):
        images.programs("no-such-program")


def test_an_unreadable_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(images.ImageError, match="cannot be read"):
        images.pack({"/x": tmp_path / "missing"})
