"""API v4: https://pyrus.com/en/help/api."""
