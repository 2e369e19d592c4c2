"""Containers by a Docker engine, asked over its socket; the image is imported, never pulled."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import select
import socket
import struct
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from virtlab import host, leftovers
from virtlab.container import rootfs
from virtlab.host import Capability, find_tool
from virtlab.interrupts import uninterrupted
from virtlab.runtimes.base import Instance, Runtime, RuntimeFailed, is_root, pss_with_children
from virtlab.runtimes.launcher import payload, stamp_payload

PATIENCE_S = 60
_NETWORKS = ("--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false")


class Docker(Runtime):
    """A container by whatever engine answers at DOCKER_HOST or its usual socket.

    The engine's daemon starts the container, so who asks does not matter and no launcher is needed.
    The stopwatch runs over what `docker run` asks for: create, attach, start.
    """

    name = "docker"
    kind = "container"
    describe = "a container by a Docker engine, asked over its socket"

    def __init__(self) -> None:
        self._client: Any = None
        self._address = ""

    def available(self) -> Capability:
        """Whether an engine answers; asked each time, since an engine comes and goes."""
        return self.look()

    def look(self) -> Capability:
        """Asks for an engine, the Python package and a payload."""
        for need in (host.docker_engine(), host.probe("docker package"), stamp_payload()):
            if not need:
                return Capability(self.name, False, need.why, need.remedy)
        return Capability(self.name, True, host.docker_engine().why)

    def start(self, command: Sequence[str] | None = None) -> Instance:
        """Creates a container, attaches to it, starts it, and waits for its first output.

        Raises:
            RuntimeFailed: the engine refuses, or nothing is heard in time.
        """
        with self._failures():
            client, image = self._prepared()
            settings = _settings(client, command)
            stamps = {"call": time.monotonic_ns()}
            identity = client.create_container(image, **settings)["Id"]
            stamps["created"] = time.monotonic_ns()
            instance = DockerInstance(client, identity, stamps)
            try:
                instance.begin(says_its_time=command is None)
            except BaseException:
                instance.stop()
                raise
            return instance

    def run_many(self, count: int, command: Sequence[str] | None = None) -> list[dict[str, int]]:
        """Starts `count` at once, each asked for by a thread of its own."""

        def live(_: int) -> dict[str, int]:
            with self.start(command) as instance:
                pass
            return instance.stamps

        self._prepared()
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(live, range(count)))

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Turns what the package and its transport raise into one line."""
        import docker
        import requests

        try:
            yield
        except (docker.errors.DockerException, requests.RequestException, OSError) as error:
            said = " ".join(str(getattr(error, "explanation", None) or error).split())
            raise RuntimeFailed(f"docker: {said}") from None

    def _prepared(self) -> tuple[Any, str]:
        """A client of the engine that answers now, and the name of the image that it then has."""
        import docker

        address = host.docker_address()
        image = f"{leftovers.owned_name()}:payload"
        if self._client is None or self._address != address:
            self.forget()
            client = docker.APIClient(base_url=address, timeout=PATIENCE_S)
            repository, tag = image.split(":")
            client.import_image_from_data(_root_archive(), repository, tag)
            self._client, self._address = client, address
            atexit.register(self.forget)
        return self._client, image

    def forget(self) -> None:
        """Takes the image off the engine again; the next start imports it anew."""
        import docker
        import requests

        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
                client.remove_image(f"{leftovers.owned_name()}:payload", force=True)
            client.close()
            atexit.unregister(self.forget)


class DockerInstance(Instance):
    """A container of the engine's."""

    def __init__(self, client: Any, identity: str, stamps: dict[str, int]) -> None:
        super().__init__(stamps)
        self._client, self._identity, self._socket = client, identity, None

    def begin(self, says_its_time: bool) -> None:
        """Attaches, starts, and takes the first output."""
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._socket = self._client.attach_socket(self._identity, params=wanted)
        self._client.start(self._identity)
        said = _read_frame(self._raw)
        self.stamps["first_reply"] = time.monotonic_ns()
        self.pid = self._client.inspect_container(self._identity)["State"]["Pid"]
        if not says_its_time:
            self.output = said.decode(errors="replace")
        elif len(said) == 16:
            seconds, nanoseconds = struct.unpack("<qq", said)
            self.stamps["first_instruction"] = seconds * 10**9 + nanoseconds
        else:
            raise RuntimeFailed(f"docker: {said.decode(errors='replace').strip() or 'no output'}")

    def _take_the_rest(self) -> None:
        with contextlib.suppress(RuntimeFailed):  # the end of the output
            while True:
                self.output += _read_frame(self._raw).decode(errors="replace")

    @property
    def _raw(self) -> socket.socket:
        return getattr(self._socket, "_sock", self._socket)  # type: ignore[return-value]

    def memory(self) -> int | None:
        """The memory of the program and its shim (PSS, bytes), without the engine for all."""
        with contextlib.suppress(OSError, ValueError):
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
            shim = int(fields[1])
            return pss_with_children(shim)
        return None

    def stop(self) -> None:
        """Closes its input, waits for its end, and removes the container."""
        import docker
        import requests

        if not self._identity:
            return
        identity, self._identity = self._identity, ""
        with contextlib.suppress(OSError):
            if self._socket is not None:
                self._raw.shutdown(socket.SHUT_WR)
        with contextlib.suppress(docker.errors.DockerException, requests.RequestException):
            if "first_reply" in self.stamps:
                self._take_the_rest()
                self._client.wait(identity, timeout=PATIENCE_S)
                self.stamps["gone"] = time.monotonic_ns()
            self._client.remove_container(identity, force=True)
        if self._socket is not None:
            self._socket.close()


def _settings(client: Any, command: Sequence[str] | None) -> dict[str, Any]:
    """What to create: as alone and as powerless as the other container rungs."""
    folders = [] if command is None else rootfs.system_folders()
    return {
        "command": list(command or ["/payload"]),
        "hostname": "container",
        "stdin_open": True,
        "environment": {leftovers.OWNER_VARIABLE: leftovers.owner_mark()},
        "name": f"{leftovers.owned_name()}-{time.monotonic_ns()}",
        "host_config": client.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            binds=[f"{folder}:{folder}:ro" for folder in folders],
        ),
    }


def _root_archive() -> bytes:
    """The payload and mount points, as the tar archive that becomes an image of one layer."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        program = payload(f"stamp-{os.uname().machine}")
        entry = tarfile.TarInfo("payload")
        entry.size, entry.mode = len(program), 0o755
        tar.addfile(entry, io.BytesIO(program))
        for source in map(Path, rootfs.SYSTEM_FOLDERS):
            if source.is_symlink():  # merged /usr: /bin is a link to usr/bin
                link = tarfile.TarInfo(str(source.relative_to("/")))
                link.type, link.linkname = tarfile.SYMTYPE, str(source.readlink())
                tar.addfile(link)
    return archive.getvalue()


def _read_frame(stream: socket.socket) -> bytes:
    """Reads one piece of output: Docker puts 8 bytes before each, of which the last 4 are its size.

    Raises:
        RuntimeFailed: none comes in time.
    """
    header = _read_exactly(stream, 8)
    (size,) = struct.unpack(">I", header[4:])
    return _read_exactly(stream, size)


def _read_exactly(stream: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        if not select.select([stream], [], [], PATIENCE_S)[0]:
            raise RuntimeFailed(f"docker: no output within {PATIENCE_S} s; the container was ended")
        piece = stream.recv(size - len(data))
        if not piece:
            raise RuntimeFailed("docker: the container ended without output")
        data += piece
    return bytes(data)


@contextlib.contextmanager
def own_docker_engine() -> Iterator[str]:
    """An engine of our own, with data, socket and control groups of its own; gone afterwards.

    DOCKER_HOST names it meanwhile. Needs root and dockerd.

    Raises:
        RuntimeFailed: it did not start.
    """
    dockerd = find_tool("dockerd")
    if dockerd is None or not is_root():
        raise RuntimeFailed("docker: starting an engine needs root and dockerd (docker.io)")
    with leftovers.own_folder() as folder, _engine_in(folder, dockerd) as address:
        yield address


@contextlib.contextmanager
def _engine_in(folder: Path, dockerd: str) -> Iterator[str]:
    address = f"unix://{folder}/docker.sock"
    command = [dockerd, "--host", address, "--pidfile", f"{folder}/pid", *_NETWORKS]
    command += ["--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"]
    cgroup = folder.name
    command += ["--cgroup-parent", f"/{cgroup}"]
    environment = {
        **os.environ,
        leftovers.OWNER_VARIABLE: leftovers.owner_mark(),
        "TMPDIR": str(folder),  # containerd leaves a file there when it ends
    }
    before = os.environ.get("DOCKER_HOST")
    process = None
    with (folder / "log").open("wb") as log:
        try:
            with uninterrupted():
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=environment,
                    start_new_session=True,  # an interrupt from the terminal is the notebook's
                )
            os.environ["DOCKER_HOST"] = address
            _wait_until(lambda: host.docker_engine().ok or process.poll() is not None)
            if not host.docker_engine():
                last = (folder / "log").read_text(errors="replace").strip().splitlines()[-1:]
                raise RuntimeFailed(f"docker: the engine did not start: {' '.join(last)}")
            yield address
        finally:
            with uninterrupted():
                if before is None:
                    os.environ.pop("DOCKER_HOST", None)
                else:
                    os.environ["DOCKER_HOST"] = before
                if process is not None:
                    _end(process)
                leftovers.remove_control_groups(cgroup)


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks a daemon to end, which ends what it started; by force if it does not."""
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
