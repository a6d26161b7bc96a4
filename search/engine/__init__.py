"""The two corridors over one archive: how a query and how an article travel."""
