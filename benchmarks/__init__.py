"""How fast holdfast is, against the same job done with the driver directly: ``python -m benchmarks sqlite``."""
