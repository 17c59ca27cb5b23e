"""Imports that people ask for: files they brought, a plan, a preview, then the import itself."""
