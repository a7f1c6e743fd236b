"""A small world in network namespaces and on loopback; also the test bench. Runs nodens as a program, never imports it."""
