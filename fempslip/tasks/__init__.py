"""What can be asked of a problem: one file each."""
