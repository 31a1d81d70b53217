"""Tables of the metadata database, as forward migrations; `user_version` counts those applied.

    blobs        every committed blob, once
    links        which repository holds which blob
    manifests    bytes and all: they are small, and so they and what they reference are one transaction
    edges        what each manifest references; `kind` as in nscr.oci.manifests
    tags         one row a tag, so that moving one never rewrites another
    uploads      open sessions; how much they hold is asked of their files
    generation, probe   one row each

Rows point at each other by digest and repository name; there are no foreign keys, for a blob or child that is still
referenced may be deleted by right.
"""

MIGRATIONS = (
    """
    CREATE TABLE repositories (name TEXT PRIMARY KEY, last_pushed INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE blobs (digest TEXT PRIMARY KEY, size INTEGER NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE links (
        repository TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (repository, digest)
    ) WITHOUT ROWID;
    CREATE INDEX links_by_digest ON links (digest);
    CREATE TABLE manifests (
        repository TEXT NOT NULL, digest TEXT NOT NULL, media_type TEXT NOT NULL, content BLOB NOT NULL,
        PRIMARY KEY (repository, digest)
    );
    CREATE TABLE edges (
        repository TEXT NOT NULL, manifest TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
        size INTEGER NOT NULL, PRIMARY KEY (repository, manifest, kind, digest)
    ) WITHOUT ROWID;
    CREATE INDEX edges_by_digest ON edges (digest, repository, kind);
    CREATE TABLE tags (
        repository TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (repository, name)
    ) WITHOUT ROWID;
    CREATE INDEX tags_by_digest ON tags (repository, digest);
    CREATE TABLE uploads (
        id TEXT PRIMARY KEY, repository TEXT NOT NULL, started INTEGER NOT NULL, last_activity INTEGER NOT NULL,
        chunks INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE generation (value INTEGER NOT NULL);
    INSERT INTO generation VALUES (0);
    CREATE TABLE probe (token TEXT NOT NULL);
    INSERT INTO probe VALUES ('')
    """,
)
