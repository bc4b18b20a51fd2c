//! What Impilo says, in Pulsewarden's words.
