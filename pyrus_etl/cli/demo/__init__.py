"""`demo` and `sandbox`: Pyrus without an account."""
