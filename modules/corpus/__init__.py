"""From zips of lyrics to text: archives, encodings, documents, and what is held out of them."""
