"""The sandbox: a warm process that forks rooms, and the walls around them."""

from autograder.sandbox.client import Pair, SandboxUnavailable, Zygote, ZygoteDied
from autograder.sandbox.doctor import doctor

__all__ = ["Pair", "SandboxUnavailable", "Zygote", "ZygoteDied", "doctor"]
