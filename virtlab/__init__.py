"""virtlab measures what the course on virtualization teaches, on the reader's own machine."""
