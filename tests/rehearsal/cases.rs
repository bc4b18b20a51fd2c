//! `pulsewarden test`.
