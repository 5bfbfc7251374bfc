/** A configuration to start from, with every key explained. `database` is written as given, and must hold no password. */
export function configTemplate(database: string, name: string, engine: string): string {
  return `# dbops configuration. Test it with: dbops config check
# All keys and their defaults: docs/configuration.md; for editors: dbops config schema

# Where backups go. \${NAME} takes a value from the environment, or from the file that NAME_FILE names.
storages:
  local: ./backups
storage: local

targets:
  ${name}:
    database: ${JSON.stringify(database)}
    # Replacing a protected database by a restore needs: --yes-replace ${name}
    protected: true
    # SQL that must return no rows; run on every restored copy before it is trusted.
    checks: []
    #  - name: orders add up
    #    sql: SELECT id FROM orders WHERE total <> (SELECT sum(amount) FROM lines WHERE order_id = orders.id)
    # facts: content        # also record a digest of every table, not only its rows
    # lockTimeout: 30s      # how long to wait for a program that holds the database
${engine === 'postgres' ? postgresKeys : postgresTarget}
# encryption:              # so that only the holder of a secret key can read backups: docs/encryption.md
#   recipients: [age1…]     # the public key, as dbops key generate prints it
# compress: zstd            # zstd[:1-19], gzip[:1-9] or none
# verify: checksum          # what a backup proves before it reports success: none, checksum, structure, restore
# lockWait: 0s              # how long to wait for another run on the same target
# scratchDir: /var/tmp      # where snapshots are collected; by default on the disk of the storage
# scratchUrl: postgresql://me@test/postgres    # where PostgreSQL backups are proven; by default on a throw-away server

# A backup stays as long as any rule keeps it. The newest good one and pinned ones always stay.
retention:
  classes:
    pre-deploy: forever
    hot: 7d
    daily: 30d
    weekly: 12w
    monthly: 12mo
  # last: 5
  # daily: 14
  # within: 48h
`;
}

const postgresKeys = `    # The password comes from PGPASSWORD, ~/.pgpass or a service file; never write it here.
    # dump:
    #   format: directory   # custom (one archive), plain (SQL) or directory (a file a table)
    #   jobs: 4
    #   excludeTableData: [audit.*]
    #   globals: true       # roles and tablespaces too
    # binDir: /usr/lib/postgresql/17/bin
    # via: docker compose exec -T db       # run pg_dump and psql there
`;

const postgresTarget = `  # orders:
  #   database: postgresql://backup@db.example/orders    # the password: PGPASSWORD, ~/.pgpass or a service file
  #   dump:
  #     format: directory   # custom (one archive), plain (SQL) or directory (a file a table)
  #     jobs: 4
  #     globals: true       # roles and tablespaces too
`;
