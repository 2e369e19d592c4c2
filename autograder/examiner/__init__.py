"""The examiner: test cells run where no submission reaches, and ask the room for what they need."""

from autograder.examiner.conducting import run_steps
from autograder.examiner.names import SourceCell, SourceNames, source_names

__all__ = ["SourceCell", "SourceNames", "run_steps", "source_names"]
