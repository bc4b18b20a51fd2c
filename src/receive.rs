//! Hop 1: the HTTP port. Checks the secret, the size and the shape, and answers once the journal has the event.
