# expected: 0/3
# hint: The layer below comes first.
# misconception: the upper layer comes first
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
        chain.append(digest((own + " " + chain[-1]).encode()) if chain else own)
    return chain
