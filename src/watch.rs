//! The self-watch: what Pulsewarden says about itself.
