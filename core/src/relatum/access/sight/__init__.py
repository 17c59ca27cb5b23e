"""Which rows and fields a viewer sees: policies and rules become guards of the database."""
