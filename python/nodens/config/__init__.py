"""Tree -> meaning. Gives each directive its typed rules. Knows no node: reads no file, no environment, no interface."""
