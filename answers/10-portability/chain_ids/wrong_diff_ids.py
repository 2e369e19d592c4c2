# expected: 0/3
# hint: The ChainID holds the layer below, too.
# misconception: a layer's identity does not depend on those below
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
        chain.append(own)
    return chain
