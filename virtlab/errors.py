"""Failures that more than one layer knows; light enough for the launcher's helper."""


class RuntimeFailed(Exception):
    """A runtime could not start, died or hung; the message is one line."""
