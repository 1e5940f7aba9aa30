"""The database: tables, engine, write, read and migrations. The only importer of sqlalchemy."""
