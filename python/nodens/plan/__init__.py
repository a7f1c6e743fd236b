"""Meaning + facts -> decision. Pure: no I/O of any kind; nothing that leaves here says "auto"."""
