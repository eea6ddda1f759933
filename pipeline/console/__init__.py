"""What the commands print, a file a picture."""
