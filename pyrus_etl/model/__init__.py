"""What we understand of Pyrus, as frozen structs, whatever API it came from.

Every optional property may be absent or null, and so may every element of an array: None means "not told". Names are
the vendor's, in snake case; https://pyrus.com/en/api-v3 says what each one means.
"""
