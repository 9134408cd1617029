"""Seeds, threads, devices and the global state of the process."""
