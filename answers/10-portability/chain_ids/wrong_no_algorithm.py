# expected: 0/3
# hint: The name of the algorithm, sha256:, stands in front.
# misconception: a digest is its digits
import gzip
import hashlib


def digest(data):
    return hashlib.sha256(data).hexdigest()


def diff_id(layer):
    blob = layer["blob"]
    return digest(gzip.decompress(blob) if layer["mediaType"].endswith("gzip") else blob)


def chain_ids(layers):
    chain = []
    for layer in layers:
        own = diff_id(layer)
        chain.append(digest((chain[-1] + " " + own).encode()) if chain else own)
    return chain
