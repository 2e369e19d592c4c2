# expected: 0/3
# hint: A ChainID is made of two names.
# misconception: a stack is its bytes, one after the other
import gzip
import hashlib


def chain_ids(layers):
    state, chain = hashlib.sha256(), []
    for layer in layers:
        blob = layer["blob"]
        state.update(gzip.decompress(blob) if layer["mediaType"].endswith("gzip") else blob)
        chain.append("sha256:" + state.hexdigest())
    return chain
