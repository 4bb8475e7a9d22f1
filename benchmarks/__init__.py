"""Figures anybody can make again: see README.md."""
