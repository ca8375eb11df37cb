//! Who calls us. Keys and time are arguments.
