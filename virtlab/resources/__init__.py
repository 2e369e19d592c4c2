"""Sharing one machine: tenants, cgroups, limits, pressure and memory accounting."""
