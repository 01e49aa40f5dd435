"""Tables in the Glue Data Catalog."""
