"""The equations: energy, relaxation, contacts, applied field, and their kernels."""
