# expected: 1/3
# hint: three stacks: three ChainIDs
# misconception: a layer that is there already adds nothing
import gzip
import hashlib


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def diff_id(layer):
    blob = layer["blob"]
    return digest(gzip.decompress(blob) if layer["mediaType"].endswith("gzip") else blob)


def chain_ids(layers):
    chain, known = [], set()
    for layer in layers:
        own = diff_id(layer)
        if own in known:
            continue
        known.add(own)
        chain.append(digest((chain[-1] + " " + own).encode()) if chain else own)
    return chain
