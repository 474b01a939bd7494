"""The policy folder: its rules of each year, its recipients, and its CSV files as typed rows. What a rule does is `sales`."""
