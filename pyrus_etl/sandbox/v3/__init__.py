"""The vendor's API v3: https://pyrus.com/en/api-v3."""
