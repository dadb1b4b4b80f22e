"""Pyrus's objects as frozen structs, in our words, for every version of its API.

Every optional property has one of three states. UNSET: the answer does not say (a list shows a part of a task); None or
empty: the answer says that there is nothing; else the value. Elements of arrays may be None: they keep their places.
The names are those of the vendor's page, https://pyrus.com/en/api-v3, if it has the object.
"""
