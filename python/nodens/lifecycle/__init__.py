"""Time. Who does what, in which order, until when."""
