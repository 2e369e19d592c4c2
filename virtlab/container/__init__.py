"""A container runtime from scratch, in plain Python over the kernel's own calls."""
