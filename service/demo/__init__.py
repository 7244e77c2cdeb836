"""The company site and the data of `make demo`."""
