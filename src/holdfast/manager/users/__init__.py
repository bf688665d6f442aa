"""A view of one user, as if there were no others."""
