"""PostgreSQL roles for tests; names are written as in SQL, quoted or not."""

from urllib.parse import quote

from pyrus_etl.postgres.connection import Connection
from pyrus_etl.settings import Secret


def plain(role: str) -> str:
    """Returns the name without SQL quotes."""
    return role[1:-1].replace('""', '"') if role.startswith('"') else role


def as_role(url: Secret, role: str) -> Secret:
    """Returns the superuser's URL for another role."""
    return Secret(url.reveal().replace("postgres@", f"{quote(plain(role), safe='')}@", 1))


def give_all_to(connection: Connection, role: str) -> None:
    """Makes a role the owner of both schemas and of everything in them."""
    connection.execute(
        f"""
        DO $$ DECLARE each regclass; BEGIN
            FOR each IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'v', 'm')
                        AND relnamespace IN ('pyrus'::regnamespace, 'pyrus_report'::regnamespace)
            LOOP EXECUTE 'ALTER TABLE ' || each || ' OWNER TO {role}'; END LOOP;
        END $$;
        ALTER SCHEMA pyrus OWNER TO {role}; ALTER SCHEMA pyrus_report OWNER TO {role}
        """.encode()
    )
