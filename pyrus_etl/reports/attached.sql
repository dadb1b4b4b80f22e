-- What is attached to the reports: one row for each thing, with the statement that recreates it.
--   place      the order in which the statements have to be run
--   relation   the report, or its materialized view
--   statement  recreates it
--   undo       revokes it, for privileges
--   role       the role that granted it, if that is not the owner
--   of_user    whether a user made it: a new report would not have it
WITH report AS MATERIALIZED (
    SELECT class.*, format('%I.%I', nspname, relname) AS name, nspname,
           CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'MATERIALIZED VIEW' END AS kind
    FROM pg_class AS class JOIN pg_namespace AS schema ON schema.oid = relnamespace
    WHERE nspname = {schema} AND relkind IN ('v', 'm')
),
attribute AS MATERIALIZED (
    SELECT report.oid, name, kind, relkind, quote_ident(attname) AS attribute, attnum, atttypid, attacl, attoptions,
           attstattarget, attstorage, attcompression, relowner, format('ALTER %s %s ALTER COLUMN %I', kind, name, attname) AS alter_column
    FROM report JOIN pg_attribute ON attrelid = report.oid AND attnum > 0 AND NOT attisdropped
),
option AS (
    SELECT name, kind, '' AS prefix, unnest(reloptions) AS option FROM report
  UNION ALL
    SELECT name, kind, 'toast.', unnest(toast.reloptions) FROM report JOIN pg_class AS toast ON toast.oid = report.reltoastrelid
),
index AS MATERIALIZED (
    SELECT report.relname, name, class.oid, class.reltablespace, indisclustered, indisreplident,
           class.relname AS index_name, format('%I.%I', nspname, class.relname) AS index, pg_get_indexdef(class.oid) AS statement,
           (SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]) AS attribute
    FROM report JOIN pg_index ON indrelid = report.oid AND indisvalid JOIN pg_class AS class ON class.oid = indexrelid
),
statistics AS (
    SELECT name, object.oid, format('%I.%I', schema.nspname, stxname) AS statistics, stxowner, stxstattarget
    FROM report JOIN pg_statistic_ext AS object ON stxrelid = report.oid
    JOIN pg_namespace AS schema ON schema.oid = stxnamespace
),
right_given AS (
    SELECT relowner, name, '' AS of, given.*
    FROM report, aclexplode(coalesce(relacl, acldefault('r', relowner))) AS given
  UNION ALL
    SELECT relowner, name, format(' (%s)', attribute), given.*
    FROM attribute, aclexplode(attacl) AS given WHERE attacl IS NOT NULL
),
right_named AS (
    SELECT *, format('%s%s ON %s', privilege_type, of, name) AS about,
           CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS reader
    FROM right_given
),
default_right AS (
    SELECT defaclrole, given.grantee, given.privilege_type, given.is_grantable
    FROM pg_default_acl, aclexplode(defaclacl) AS given
    WHERE defaclobjtype = 'r' AND defaclnamespace IN (0, (SELECT oid FROM pg_namespace WHERE nspname = {schema}))
),
object AS (
    SELECT name, 'pg_class'::regclass AS catalogue, oid, format('INDEX %s', index) AS object FROM index
  UNION ALL
    SELECT name, 'pg_statistic_ext'::regclass, oid, format('STATISTICS %s', statistics) FROM statistics
  UNION ALL
    SELECT name, 'pg_trigger'::regclass, pg_trigger.oid, format('TRIGGER %I ON %s', tgname, name)
    FROM report JOIN pg_trigger ON tgrelid = report.oid
  UNION ALL
    SELECT name, 'pg_rewrite'::regclass, pg_rewrite.oid, format('RULE %I ON %s', rulename, name)
    FROM report JOIN pg_rewrite ON ev_class = report.oid WHERE rulename <> '_RETURN'
),
labelled AS (
    SELECT name, oid, 0 AS attnum, format('%s %s', kind, name) AS object FROM report
  UNION ALL
    SELECT name, oid, attnum, format('COLUMN %s.%s', name, attribute) FROM attribute
),
found (place, relation, statement, undo, role, of_user) AS (
    SELECT 1, name, format('ALTER %s %s OWNER TO %I', kind, name, pg_get_userbyid(relowner)), NULL, NULL, false FROM report
  UNION ALL
    SELECT 2, name, format('ALTER %s %s SET (%s%s = %L)', kind, name, prefix,
                           split_part(option, '=', 1), substr(option, strpos(option, '=') + 1)), NULL, NULL, true
    FROM option
  UNION ALL
    SELECT 3, name, format('ALTER %s %s SET TABLESPACE %I', kind, name, spcname), NULL, NULL, true
    FROM report JOIN pg_tablespace AS place ON place.oid = reltablespace
  UNION ALL
    SELECT 3, name, format('ALTER %s %s SET ACCESS METHOD %I', kind, name, amname), NULL, NULL, true
    FROM report JOIN pg_am AS method ON method.oid = relam WHERE amname <> current_setting('default_table_access_method')
  UNION ALL
    SELECT 4, name, format('%s SET DEFAULT %s', alter_column, pg_get_expr(adbin, adrelid)), NULL, NULL, true
    FROM attribute JOIN pg_attrdef ON adrelid = attribute.oid AND adnum = attnum
  UNION ALL
    SELECT 4, name, format('%s SET STATISTICS %s', alter_column, attstattarget), NULL, NULL, true
    FROM attribute WHERE relkind = 'm' AND attstattarget >= 0
  UNION ALL
    SELECT 4, name, format('%s SET (%s = %L)', alter_column, split_part(option, '=', 1),
                           substr(option, strpos(option, '=') + 1)), NULL, NULL, true
    FROM attribute, unnest(attoptions) AS option
  UNION ALL
    SELECT 4, name, format('%s SET STORAGE %s', alter_column, CASE attstorage
                           WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END),
           NULL, NULL, true
    FROM attribute JOIN pg_type AS type ON type.oid = atttypid WHERE relkind = 'm' AND attstorage <> typstorage
  UNION ALL
    SELECT 4, name, format('%s SET COMPRESSION %s', alter_column, CASE attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END),
           NULL, NULL, true
    FROM attribute WHERE relkind = 'm' AND attcompression <> ''
  UNION ALL
    SELECT 5, name, statement, NULL, NULL,
           attribute IS NULL OR statement <> format('CREATE INDEX %I ON %s USING btree (%I)',
                                                    relname || '_' || attribute || '_idx', name, attribute)
    FROM index
  UNION ALL
    SELECT 6, name, format('ALTER INDEX %s SET TABLESPACE %I', index, spcname), NULL, NULL, true
    FROM index JOIN pg_tablespace AS place ON place.oid = reltablespace
  UNION ALL
    SELECT 6, name, format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', index, pg_attribute.attnum, attstattarget),
           NULL, NULL, true
    FROM index JOIN pg_attribute ON attrelid = index.oid WHERE attstattarget >= 0
  UNION ALL
    SELECT 6, name, format('ALTER MATERIALIZED VIEW %s CLUSTER ON %I', name, index_name), NULL, NULL, true
    FROM index WHERE indisclustered
  UNION ALL
    SELECT 6, name, format('ALTER TABLE %s REPLICA IDENTITY USING INDEX %I', name, index_name), NULL, NULL, true
    FROM index WHERE indisreplident
  UNION ALL
    SELECT 6, name, format('ALTER TABLE %s REPLICA IDENTITY %s', name, CASE relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END),
           NULL, NULL, true
    FROM report WHERE relkind = 'm' AND relreplident IN ('f', 'n')
  UNION ALL
    SELECT 7, name, pg_get_statisticsobjdef(oid), NULL, NULL, true FROM statistics
  UNION ALL
    SELECT 8, name, format('ALTER STATISTICS %s SET STATISTICS %s', statistics, stxstattarget), NULL, NULL, true
    FROM statistics WHERE stxstattarget >= 0
  UNION ALL
    SELECT 8, name, format('ALTER STATISTICS %s OWNER TO %I', statistics, pg_get_userbyid(stxowner)), NULL, NULL, false
    FROM statistics
  UNION ALL
    SELECT 9, name, pg_get_triggerdef(pg_trigger.oid), NULL, NULL, true
    FROM report JOIN pg_trigger ON tgrelid = report.oid WHERE NOT tgisinternal
  UNION ALL
    SELECT 9, name, pg_get_ruledef(pg_rewrite.oid), NULL, NULL, true
    FROM report JOIN pg_rewrite ON ev_class = report.oid WHERE rulename <> '_RETURN'
  UNION ALL
    SELECT 10, name, format('GRANT %s TO %s', about, reader) || CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END,
           format('REVOKE %s FROM %s', about, reader),
           CASE WHEN grantor <> relowner THEN pg_get_userbyid(grantor) END,
           grantee <> relowner AND NOT EXISTS (
               SELECT FROM default_right
               WHERE defaclrole = relowner AND of = '' AND (grantee, privilege_type, is_grantable)
                     = (right_named.grantee, right_named.privilege_type, right_named.is_grantable)
           )
    FROM right_named
  UNION ALL
    SELECT 11, name, format('COMMENT ON %s IS %L', object, description), NULL, NULL, true
    FROM object JOIN pg_description ON objoid = oid AND classoid = catalogue AND objsubid = 0
  UNION ALL
    SELECT 12, name, format('SECURITY LABEL FOR %I ON %s IS %L', provider, object, label), NULL, NULL, true
    FROM labelled JOIN pg_seclabel ON objoid = oid AND classoid = 'pg_class'::regclass AND objsubid = attnum
  UNION ALL
    SELECT 12, needs.name, format('ALTER %s DEPENDS ON EXTENSION %I', object, extname), NULL, NULL, true
    FROM (SELECT name, 'pg_class'::regclass, oid, object FROM labelled WHERE attnum = 0 UNION ALL TABLE object)
         AS needs (name, catalogue, oid, object)
    JOIN pg_depend ON classid = catalogue AND objid = needs.oid AND deptype = 'x'
    JOIN pg_extension ON refclassid = 'pg_extension'::regclass AND refobjid = pg_extension.oid
)
SELECT * FROM found ORDER BY place, role NULLS FIRST, relation, statement
