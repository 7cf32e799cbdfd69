"""What is sent of a notice: one module for each format, all pure."""
