"""Measuring: stopwatches, interleaved rounds, intervals, provenance and recordings."""
