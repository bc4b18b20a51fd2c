//! `pulsewarden backtest`.
