"""Soaks: a month of the pipeline on a stepped clock, and half an hour of the real daemon."""
