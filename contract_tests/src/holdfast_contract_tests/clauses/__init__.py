"""The clauses, by area. Each proof is short: what it says in its promise, and nothing else."""
