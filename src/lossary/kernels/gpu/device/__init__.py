"""Device code, which imports triton: nothing imports a file of this folder before a kernel is launched."""
