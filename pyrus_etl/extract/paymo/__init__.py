"""Paymo's API, as far as files need it: https://github.com/paymoapp/api."""
