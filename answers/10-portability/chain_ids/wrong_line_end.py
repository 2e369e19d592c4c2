# expected: 0/3
# hint: A line end was hashed.
# misconception: a text ends with a line end, as with echo
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
        chain.append(digest((chain[-1] + " " + own + "\n").encode()) if chain else own)
    return chain
