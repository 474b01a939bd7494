"""The functional core: frames in, frames out; no clock, file, network, log or Dagster."""
