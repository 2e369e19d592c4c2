# expected: 1/3
# hint: not its first bytes
# misconception: the first bytes say what a blob is
import gzip
import hashlib


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def diff_id(layer):
    blob = layer["blob"]
    return digest(gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob)


def chain_ids(layers):
    chain = []
    for layer in layers:
        own = diff_id(layer)
        chain.append(digest((chain[-1] + " " + own).encode()) if chain else own)
    return chain
