"""What to do if a folder cannot be written."""

import errno

_ROOM = "free some space, or choose another target"
_NO_FOLDER = "a file is in its place, so choose a folder"
_HINTS = {
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EFBIG: "raise the limit on the size of files, or choose another target",
    errno.ENOENT: "create it, or choose another target",
    errno.EEXIST: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
}


def hint(error: OSError) -> str:
    return _HINTS.get(error.errno or 0, "choose a folder that you may write")
