"""What scripts/torture does to archives: faults, power cuts, kills, damages, and the same to other engines."""
