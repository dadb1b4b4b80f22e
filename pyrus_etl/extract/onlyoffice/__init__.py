"""The API of ONLYOFFICE Workspace, as far as files need it: https://api.onlyoffice.com/workspace."""
