//! Hop 3: leases what is due, sends it, records what came of it.
