# expected: 0/3
# hint: The DiffID is the digest of the uncompressed archive.
# misconception: a layer is its blob
import gzip
import hashlib


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def diff_id(layer):
    blob = layer["blob"]
    return digest(blob)


def chain_ids(layers):
    chain = []
    for layer in layers:
        own = diff_id(layer)
        chain.append(digest((chain[-1] + " " + own).encode()) if chain else own)
    return chain
