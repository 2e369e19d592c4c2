"""Asks the kernel what a process may do after execve.

`execve.py FOLDER`, run by `python -I -S`, never imported, reads one JSON list of cases from
standard input and prints one JSON list of answers. A case has `process`: lists of capability names
under permitted, inheritable, bounding and ambient, and the booleans root and no_new_privs; and
`file`: permitted, inheritable and effective, or null for a file without capabilities. An answer is
null where the kernel refused the execve, else the lists permitted, effective, inheritable, bounding
and ambient.

All happens in a mount namespace (for an ordinary user in a user namespace, too) on a file system in
memory at FOLDER, and every case in a process of its own.
"""

import json
import os
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls
from virtlab.container import capabilities

PR_CAP_AMBIENT_RAISE = 2
SECBIT_NOROOT = 1  # user 0 gets nothing for being user 0
SETS = {
    "permitted": "CapPrm",
    "effective": "CapEff",
    "inheritable": "CapInh",
    "bounding": "CapBnd",
    "ambient": "CapAmb",
}


def own_place(folder: str) -> None:
    """Mounts a file system of this process's own, where files may have capabilities."""
    uid, gid = os.geteuid(), os.getegid()
    if syscalls.may_administer():
        syscalls.unshare(syscalls.CLONE_NEWNS)
    else:
        syscalls.unshare(syscalls.CLONE_NEWUSER | syscalls.CLONE_NEWNS)
        maps = [("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")]
        for name, text in maps:
            Path(f"/proc/self/{name}").write_text(text)
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    syscalls.mount("programs", folder, "tmpfs", 0, "mode=755")


def become(process: dict) -> None:
    """Gives this process the capability sets of a case."""
    permitted, inheritable, bounding, ambient = (
        capabilities.mask(process[name])
        for name in ("permitted", "inheritable", "bounding", "ambient")
    )
    now = capabilities.of_process("Prm")
    syscalls.capset(now, now, inheritable)
    for name in process["ambient"]:
        number = capabilities.NUMBERS[name]
        syscalls.prctl(syscalls.PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, number)
    have = capabilities.of_process("Bnd")
    for number in range(64):
        if have >> number & 1 and not bounding >> number & 1:
            syscalls.prctl(syscalls.PR_CAPBSET_DROP, number)
    if not process["root"]:
        syscalls.prctl(syscalls.PR_SET_SECUREBITS, SECBIT_NOROOT)
    if process["no_new_privs"]:
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.capset(0, permitted, inheritable)
    if capabilities.of_process("Amb") != ambient:
        raise OSError("this kernel did not keep the ambient set")


def after(case: dict, program: Path) -> dict | None:
    """Runs one case in a child; what it prints is read from its own /proc entry."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(writer, 1)
            become(case["process"])
            argv = ["busybox", "grep", "^Cap", "/proc/self/status"]
            os.execve(program, argv, {})
        except PermissionError:
            os.write(writer, b"refused\n")
        except BaseException as error:
            os.write(writer, f"error {error}\n".encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as output:
        said = output.read()
    os.waitpid(child, 0)
    if said.startswith("refused"):
        return None
    lines = dict(line.split(":") for line in said.splitlines() if ":" in line)
    if set(SETS.values()) - set(lines):
        raise SystemExit(said.strip() or "the program said nothing")
    return {name: capabilities.names(int(lines[key], 16)) for name, key in SETS.items()}


def main() -> None:
    """Asks about every case."""
    folder, busybox = sys.argv[1], shutil.which("busybox", path="/bin:/usr/bin")
    if busybox is None:
        raise SystemExit("no busybox on this machine")
    own_place(folder)
    answers = []
    for number, case in enumerate(json.load(sys.stdin)):
        program = Path(folder, str(number))
        shutil.copyfile(busybox, program)
        program.chmod(0o755)
        if case["file"] is not None:
            file = case["file"]
            capabilities.give_to_file(
                str(program), file["permitted"], file["inheritable"], file["effective"]
            )
        answers.append(after(case, program))
        program.unlink()
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
