"""The policy folder: TOML and CSV as typed rows. What a rule does is `sales`."""
