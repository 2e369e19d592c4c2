# expected: 3/3
# method: all DiffIDs first, then itertools.accumulate over them
import hashlib
import zlib
from itertools import accumulate


def named(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def archive(layer):
    if layer["mediaType"] == "application/vnd.oci.image.layer.v1.tar":
        return layer["blob"]
    return zlib.decompress(layer["blob"], wbits=31)


def chain_ids(layers):
    own = [named(archive(layer)) for layer in layers]
    return list(accumulate(own, lambda below, here: named(f"{below} {here}".encode("ascii"))))
