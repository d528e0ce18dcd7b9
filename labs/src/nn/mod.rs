//! Neural-network parts.
