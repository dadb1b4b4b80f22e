"""API v4 over the same organisation: https://pyrus.com/en/help/api."""
