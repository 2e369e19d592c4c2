"""A root file system for a container: programs, mount points, and the host's folders to bind."""

from collections.abc import Mapping
from pathlib import Path

# What a program of the host needs in order to start in a root of its own.
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc")


def make_root(folder: Path, programs: Mapping[str, bytes]) -> list[str]:
    """Fills `folder` as a root: mount points, places for the host's system folders, programs.

    Args:
        folder: empty.
        programs: static executables by name; each comes to lie in the root itself.

    Returns:
        The folders of the host to bind, so that the host's programs run inside.
    """
    # gVisor mounts /sys too. Two of them at once may fail if each has to make the place for it.
    for name in ("proc", "sys", "dev", "tmp"):
        (folder / name).mkdir()
    for name, program in programs.items():
        (folder / name).write_bytes(program)
        (folder / name).chmod(0o755)
    for source in map(Path, SYSTEM_FOLDERS):
        if source.is_symlink():  # merged /usr: /bin is a link to usr/bin
            (folder / source.relative_to("/")).symlink_to(source.readlink())
    binds = system_folders()
    for name in binds:
        (folder / Path(name).relative_to("/")).mkdir()
    return binds


def system_folders() -> list[str]:
    """The folders of the host that its programs need, without those that are only links."""
    folders = map(Path, SYSTEM_FOLDERS)
    return [str(folder) for folder in folders if folder.is_dir() and not folder.is_symlink()]
