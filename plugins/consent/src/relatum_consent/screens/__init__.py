"""The pages: one for customers behind their link, the others for those who handle requests."""
