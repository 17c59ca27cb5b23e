"""Core's routes, one module for each noun. They read the request, call a service, answer."""
