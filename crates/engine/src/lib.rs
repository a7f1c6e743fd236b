//! Sockets, threads and the clock around nodens-core. No DNS decisions.
