"""From screens to HTML: templates, texts per language, static files, security headers."""
