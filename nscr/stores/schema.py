"""Tables of the metadata database, as forward migrations; `user_version` counts those applied.

    blobs        every committed blob, once
    links        which repository holds which blob
    manifests    bytes and all: they are small, and so they and what they reference are one transaction
    edges        what each manifest references; `kind` as in nscr.oci.manifests
    tags         one row a tag, so that moving one never rewrites another
    uploads      open sessions; how much they hold is asked of their files
    intents      blobs whose files are being published or removed: what recovery looks at
    leases       what pushes in progress count on, with how many of them
    damaged      blobs whose content was lost and must be pushed again
    generation, probe   one row each
    usage        of each blob: how many repositories hold it, manifests name it where it is held, pushes count on it
    gaps         what a manifest requires and its repository lacks; a manifest with a gap is orphaned
    counters     one row: the figures of monitoring

The last three are kept by triggers, inside the transaction of whatever changes the tables above: no verb can forget
them, and reading them costs the same however much the registry holds. nscr.core.figures.recount defines them.

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
    """
    CREATE INDEX repositories_by_push ON repositories (last_pushed DESC, name);
    CREATE TABLE usage (
        digest TEXT PRIMARY KEY, size INTEGER NOT NULL, holders INTEGER NOT NULL, referrers INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX usage_by_referrers ON usage (referrers, digest);
    CREATE TABLE gaps (
        repository TEXT NOT NULL, manifest TEXT NOT NULL, kind TEXT NOT NULL, digest TEXT NOT NULL,
        PRIMARY KEY (repository, manifest, kind, digest)
    ) WITHOUT ROWID;
    CREATE INDEX gaps_by_digest ON gaps (digest, repository, kind);
    CREATE TABLE counters (
        repositories INTEGER NOT NULL, manifests INTEGER NOT NULL, orphaned_manifests INTEGER NOT NULL,
        blobs INTEGER NOT NULL, unique_bytes INTEGER NOT NULL, total_bytes INTEGER NOT NULL,
        blob_references INTEGER NOT NULL, unreferenced_blobs INTEGER NOT NULL, unreferenced_bytes INTEGER NOT NULL,
        sparse_manifests INTEGER NOT NULL
    );
    INSERT INTO counters SELECT
        (SELECT count(*) FROM repositories), (SELECT count(*) FROM manifests), 0, 0, 0, 0, 0, 0, 0,
        (SELECT count(*) FROM (SELECT DISTINCT repository, manifest FROM edges WHERE kind = 'sparse'));

    CREATE TRIGGER usage_added AFTER INSERT ON usage BEGIN
        UPDATE counters SET
            blobs = blobs + 1,
            unique_bytes = unique_bytes + NEW.size,
            total_bytes = total_bytes + NEW.size * max(1, NEW.holders),
            blob_references = blob_references + NEW.referrers,
            unreferenced_blobs = unreferenced_blobs + (NEW.referrers = 0),
            unreferenced_bytes = unreferenced_bytes + NEW.size * (NEW.referrers = 0);
    END;
    CREATE TRIGGER usage_changed AFTER UPDATE ON usage BEGIN
        UPDATE counters SET
            total_bytes = total_bytes + NEW.size * (max(1, NEW.holders) - max(1, OLD.holders)),
            blob_references = blob_references + NEW.referrers - OLD.referrers,
            unreferenced_blobs = unreferenced_blobs + (NEW.referrers = 0) - (OLD.referrers = 0),
            unreferenced_bytes = unreferenced_bytes + NEW.size * ((NEW.referrers = 0) - (OLD.referrers = 0));
    END;
    CREATE TRIGGER usage_removed AFTER DELETE ON usage BEGIN
        UPDATE counters SET
            blobs = blobs - 1,
            unique_bytes = unique_bytes - OLD.size,
            total_bytes = total_bytes - OLD.size * max(1, OLD.holders),
            blob_references = blob_references - OLD.referrers,
            unreferenced_blobs = unreferenced_blobs - (OLD.referrers = 0),
            unreferenced_bytes = unreferenced_bytes - OLD.size * (OLD.referrers = 0);
    END;
    CREATE TRIGGER gap_added AFTER INSERT ON gaps BEGIN
        UPDATE counters SET orphaned_manifests = orphaned_manifests + 1 WHERE NOT EXISTS (
            SELECT 1 FROM gaps WHERE repository = NEW.repository AND manifest = NEW.manifest
                AND (kind, digest) <> (NEW.kind, NEW.digest));
    END;
    CREATE TRIGGER gap_removed AFTER DELETE ON gaps BEGIN
        UPDATE counters SET orphaned_manifests = orphaned_manifests - 1 WHERE NOT EXISTS (
            SELECT 1 FROM gaps WHERE repository = OLD.repository AND manifest = OLD.manifest);
    END;

    CREATE TRIGGER repository_added AFTER INSERT ON repositories BEGIN
        UPDATE counters SET repositories = repositories + 1;
    END;
    CREATE TRIGGER repository_removed AFTER DELETE ON repositories BEGIN
        UPDATE counters SET repositories = repositories - 1;
    END;
    CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
        INSERT INTO usage SELECT NEW.digest, NEW.size,
            (SELECT count(*) FROM links WHERE digest = NEW.digest),
            (SELECT count(*) FROM links JOIN edges USING (repository, digest)
                WHERE links.digest = NEW.digest AND kind IN ('blob', 'foreign'));
    END;
    CREATE TRIGGER blob_removed AFTER DELETE ON blobs BEGIN
        DELETE FROM usage WHERE digest = OLD.digest;
    END;
    CREATE TRIGGER link_added AFTER INSERT ON links BEGIN
        UPDATE usage SET holders = holders + 1, referrers = referrers + (
                SELECT count(*) FROM edges
                WHERE digest = NEW.digest AND repository = NEW.repository AND kind IN ('blob', 'foreign'))
            WHERE digest = NEW.digest;
        DELETE FROM gaps WHERE digest = NEW.digest AND repository = NEW.repository AND kind = 'blob';
    END;
    CREATE TRIGGER link_removed AFTER DELETE ON links BEGIN
        UPDATE usage SET holders = holders - 1, referrers = referrers - (
                SELECT count(*) FROM edges
                WHERE digest = OLD.digest AND repository = OLD.repository AND kind IN ('blob', 'foreign'))
            WHERE digest = OLD.digest;
        INSERT INTO gaps SELECT repository, manifest, kind, digest FROM edges
            WHERE digest = OLD.digest AND repository = OLD.repository AND kind = 'blob';
    END;
    CREATE TRIGGER manifest_added AFTER INSERT ON manifests BEGIN
        UPDATE counters SET manifests = manifests + 1;
        DELETE FROM gaps WHERE digest = NEW.digest AND repository = NEW.repository AND kind = 'child';
    END;
    CREATE TRIGGER manifest_removed AFTER DELETE ON manifests BEGIN
        UPDATE counters SET manifests = manifests - 1;
        INSERT INTO gaps SELECT repository, manifest, kind, digest FROM edges
            WHERE digest = OLD.digest AND repository = OLD.repository AND kind = 'child';
    END;
    CREATE TRIGGER edge_added AFTER INSERT ON edges BEGIN
        UPDATE usage SET referrers = referrers + 1
            WHERE digest = NEW.digest AND NEW.kind IN ('blob', 'foreign') AND EXISTS (
                SELECT 1 FROM links WHERE repository = NEW.repository AND digest = NEW.digest);
        INSERT INTO gaps SELECT NEW.repository, NEW.manifest, NEW.kind, NEW.digest
            WHERE NEW.kind = 'blob' AND NOT EXISTS (
                    SELECT 1 FROM links WHERE repository = NEW.repository AND digest = NEW.digest)
               OR NEW.kind = 'child' AND NOT EXISTS (
                    SELECT 1 FROM manifests WHERE repository = NEW.repository AND digest = NEW.digest);
    END;
    CREATE TRIGGER sparse_edge_added AFTER INSERT ON edges WHEN NEW.kind = 'sparse' BEGIN
        UPDATE counters SET sparse_manifests = sparse_manifests + 1 WHERE NOT EXISTS (
            SELECT 1 FROM edges WHERE repository = NEW.repository AND manifest = NEW.manifest AND kind = 'sparse'
                AND digest <> NEW.digest);
    END;
    CREATE TRIGGER sparse_edge_filled AFTER UPDATE ON edges WHEN OLD.kind = 'sparse' AND NEW.kind <> 'sparse' BEGIN
        UPDATE counters SET sparse_manifests = sparse_manifests - 1 WHERE NOT EXISTS (
            SELECT 1 FROM edges WHERE repository = OLD.repository AND manifest = OLD.manifest AND kind = 'sparse');
    END;
    CREATE TRIGGER sparse_edge_removed AFTER DELETE ON edges WHEN OLD.kind = 'sparse' BEGIN
        UPDATE counters SET sparse_manifests = sparse_manifests - 1 WHERE NOT EXISTS (
            SELECT 1 FROM edges WHERE repository = OLD.repository AND manifest = OLD.manifest AND kind = 'sparse');
    END;
    CREATE TRIGGER edge_removed AFTER DELETE ON edges BEGIN
        UPDATE usage SET referrers = referrers - 1
            WHERE digest = OLD.digest AND OLD.kind IN ('blob', 'foreign') AND EXISTS (
                SELECT 1 FROM links WHERE repository = OLD.repository AND digest = OLD.digest);
        DELETE FROM gaps WHERE repository = OLD.repository AND manifest = OLD.manifest
            AND kind = OLD.kind AND digest = OLD.digest;
    END;

    INSERT INTO usage SELECT digest, size,
        (SELECT count(*) FROM links WHERE links.digest = blobs.digest),
        (SELECT count(*) FROM links JOIN edges USING (repository, digest)
            WHERE links.digest = blobs.digest AND kind IN ('blob', 'foreign'))
        FROM blobs;
    INSERT INTO gaps SELECT repository, manifest, kind, digest FROM edges
        WHERE kind = 'blob' AND NOT EXISTS (
                SELECT 1 FROM links WHERE links.repository = edges.repository AND links.digest = edges.digest)
           OR kind = 'child' AND NOT EXISTS (
                SELECT 1 FROM manifests
                WHERE manifests.repository = edges.repository AND manifests.digest = edges.digest);
    """,
    """
    ALTER TABLE manifests ADD COLUMN pushed INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE intents (
        digest TEXT PRIMARY KEY, kind TEXT NOT NULL, repository TEXT NOT NULL, upload TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE leases (
        repository TEXT NOT NULL, digest TEXT NOT NULL, granted INTEGER NOT NULL, claims INTEGER NOT NULL,
        PRIMARY KEY (repository, digest)
    ) WITHOUT ROWID;
    CREATE INDEX leases_by_digest ON leases (digest);
    CREATE TABLE damaged (digest TEXT PRIMARY KEY) WITHOUT ROWID;

    ALTER TABLE usage ADD COLUMN leases INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX unneeded ON usage (digest) WHERE referrers = 0 AND leases = 0;
    DROP TRIGGER usage_added;
    CREATE TRIGGER usage_added AFTER INSERT ON usage BEGIN
        UPDATE counters SET
            blobs = blobs + 1,
            unique_bytes = unique_bytes + NEW.size,
            total_bytes = total_bytes + NEW.size * max(1, NEW.holders),
            blob_references = blob_references + NEW.referrers,
            unreferenced_blobs = unreferenced_blobs + (NEW.referrers + NEW.leases = 0),
            unreferenced_bytes = unreferenced_bytes + NEW.size * (NEW.referrers + NEW.leases = 0);
    END;
    DROP TRIGGER usage_changed;
    CREATE TRIGGER usage_changed AFTER UPDATE ON usage BEGIN
        UPDATE counters SET
            total_bytes = total_bytes + NEW.size * (max(1, NEW.holders) - max(1, OLD.holders)),
            blob_references = blob_references + NEW.referrers - OLD.referrers,
            unreferenced_blobs =
                unreferenced_blobs + (NEW.referrers + NEW.leases = 0) - (OLD.referrers + OLD.leases = 0),
            unreferenced_bytes = unreferenced_bytes
                + NEW.size * ((NEW.referrers + NEW.leases = 0) - (OLD.referrers + OLD.leases = 0));
    END;
    DROP TRIGGER usage_removed;
    CREATE TRIGGER usage_removed AFTER DELETE ON usage BEGIN
        UPDATE counters SET
            blobs = blobs - 1,
            unique_bytes = unique_bytes - OLD.size,
            total_bytes = total_bytes - OLD.size * max(1, OLD.holders),
            blob_references = blob_references - OLD.referrers,
            unreferenced_blobs = unreferenced_blobs - (OLD.referrers + OLD.leases = 0),
            unreferenced_bytes = unreferenced_bytes - OLD.size * (OLD.referrers + OLD.leases = 0);
    END;
    DROP TRIGGER blob_added;
    CREATE TRIGGER blob_added AFTER INSERT ON blobs BEGIN
        INSERT INTO usage SELECT NEW.digest, NEW.size,
            (SELECT count(*) FROM links WHERE digest = NEW.digest),
            (SELECT count(*) FROM links JOIN edges USING (repository, digest)
                WHERE links.digest = NEW.digest AND kind IN ('blob', 'foreign')),
            (SELECT count(*) FROM leases WHERE digest = NEW.digest);
    END;
    CREATE TRIGGER lease_added AFTER INSERT ON leases BEGIN
        UPDATE usage SET leases = leases + 1 WHERE digest = NEW.digest;
    END;
    CREATE TRIGGER lease_removed AFTER DELETE ON leases BEGIN
        UPDATE usage SET leases = leases - 1 WHERE digest = OLD.digest;
    END;
    """,
    """
    DROP INDEX usage_by_referrers;
    CREATE INDEX usage_by_referrers ON usage (referrers DESC, digest);
    ALTER TABLE counters ADD COLUMN open_uploads INTEGER NOT NULL DEFAULT 0;
    UPDATE counters SET open_uploads = (SELECT count(*) FROM uploads);
    CREATE TRIGGER upload_opened AFTER INSERT ON uploads BEGIN
        UPDATE counters SET open_uploads = open_uploads + 1;
    END;
    CREATE TRIGGER upload_closed AFTER DELETE ON uploads BEGIN
        UPDATE counters SET open_uploads = open_uploads - 1;
    END;
    """,
)
