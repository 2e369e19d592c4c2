"""Models and seeded simulations. Each module states its assumptions, its units and its source.

A model is not a measurement: what it says follows from its assumptions alone. No module here
imports ``os``, ``socket``, ``subprocess``, ``mmap`` or ``ctypes``; a test holds them to that.
"""
