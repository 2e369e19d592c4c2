"""The virtlab command."""
