//! The use cases: the only floor that both reads the store and decides.
