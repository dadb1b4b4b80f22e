"""Where the contents of files go: a folder, or an object store. It knows no Pyrus."""
