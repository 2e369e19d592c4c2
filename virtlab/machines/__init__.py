"""Teaching machines in plain Python: nothing in this package needs an operating system underneath.

No module here imports ``os``, ``socket``, ``subprocess``, ``mmap`` or ``ctypes``; a test holds the
whole package to that. Each machine is small enough to read in one sitting.
"""
