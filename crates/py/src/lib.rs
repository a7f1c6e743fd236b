//! The door between Python and the engine. No logic.
