"""Files and directories as typed values, and what is known of those on disk."""

from merkl.files.dirref import DirRef
from merkl.files.fileref import FileRef

__all__ = ["DirRef", "FileRef"]
