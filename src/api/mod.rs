//! The admin interface on a unix socket.
