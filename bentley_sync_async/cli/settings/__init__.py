"""The settings of the commands: from environment variables, else the profile, else the keyring."""

from .profile_file import ProfileFile, checked, read_profiles
from .resolved import SETTINGS, Setting, Settings, resolve

__all__ = ["SETTINGS", "ProfileFile", "Setting", "Settings", "checked", "read_profiles", "resolve"]
