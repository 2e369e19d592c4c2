"""The experiments of the course, one module a chapter; `virtlab.registry.load` imports them."""
