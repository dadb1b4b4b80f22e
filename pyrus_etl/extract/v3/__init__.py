"""Pyrus's restapi, generation 3: https://pyrus.com/en/api-v3."""
