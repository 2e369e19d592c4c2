# expected: 0/3
# hint: You hashed 64 raw bytes.
# misconception: digests are joined as bytes
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
        chain.append(digest(bytes.fromhex(chain[-1][7:] + own[7:])) if chain else own)
    return chain
