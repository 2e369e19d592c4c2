# expected: 0/3
# hint: The base layer's ChainID is its DiffID itself.
# misconception: every ChainID is the digest of a text
import gzip
import hashlib


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def diff_id(layer):
    blob = layer["blob"]
    return digest(gzip.decompress(blob) if layer["mediaType"].endswith("gzip") else blob)


def chain_ids(layers):
    chain = []
    for layer in layers:
        own = diff_id(layer)
        chain.append(digest((chain[-1] + " " + own).encode()) if chain else digest(own.encode()))
    return chain
