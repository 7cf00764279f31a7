"""Clips: from video files, folders of frames, arrays, or generated."""
