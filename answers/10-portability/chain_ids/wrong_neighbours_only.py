# expected: 0/3
# hint: It is the ChainID of the layer below.
# misconception: a layer depends on its neighbour only
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
            digest((diff_id(layers[len(chain) - 1]) + " " + own).encode()) if chain else own
        )
    return chain
