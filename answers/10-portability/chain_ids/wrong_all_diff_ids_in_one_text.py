# expected: 0/3
# hint: It is always two names
# misconception: a stack is the list of its layers
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
        chain.append(
            digest(" ".join(diff_id(one) for one in layers[: len(chain) + 1]).encode())
            if chain
            else own
        )
    return chain
