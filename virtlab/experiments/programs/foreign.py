"""Hands a foreign program to an emulator. Run as `python -I -S foreign.py PROGRAM EMULATOR`.

Starts PROGRAM (an ELF file for aarch64) twice, in a user namespace with a table of foreign formats
(binfmt_misc) of its own: before EMULATOR is entered in that table, and after. Nothing outside the
namespace changes. Prints one JSON object: {"before": how it ended, "after": …}; each is the hex of
what the program wrote, or the kernel's refusal. Never imported.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3]))

from virtlab import syscalls

# A static ELF program, 64-bit, little-endian, for machine 183: the first 20 bytes of its file.
MAGIC = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xb7\x00"
REQUEST = (27).to_bytes(8, "little") + (1).to_bytes(8, "little")


def start(program: str) -> str:
    """Start the program and say what it wrote, or why it could not."""
    try:
        done = subprocess.run([program], input=REQUEST, capture_output=True, timeout=20)
    except OSError as error:
        return f"refused: {error.strerror}"
    return done.stdout.hex() if done.returncode == 0 else f"ended with {done.returncode}"


def main() -> None:
    """Enter namespaces, look, register, look again."""
    program, emulator = sys.argv[1:]
    uid, gid = os.geteuid(), os.getegid()
    syscalls.unshare(syscalls.NAMESPACES["user"] + syscalls.NAMESPACES["mnt"])
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")
    syscalls.mount(None, "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    with tempfile.TemporaryDirectory(dir=Path(program).parent) as table:
        syscalls.mount("binfmt_misc", table, "binfmt_misc", 0)
        try:
            before = start(program)
            magic = "".join(f"\\x{byte:02x}" for byte in MAGIC)
            Path(table, "register").write_text(f":course:M::{magic}::{emulator}:")
            after = start(program)
        finally:
            syscalls.umount(table)
    print(json.dumps({"before": before, "after": after}))


try:
    main()
except OSError as error:
    sys.exit(f"{error.strerror or error}")
