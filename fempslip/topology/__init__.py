"""Zeros of the order parameter: integer windings of faces, edges and paths."""
