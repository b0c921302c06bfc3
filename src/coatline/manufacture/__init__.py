"""Manufacture: from a recipe to the particles after each step of the line, by LAMMPS."""
