CREATE OR REPLACE VIEW pyrus_report.person_names AS
SELECT person_id,
       coalesce(nullif(btrim(concat_ws(' ', nullif(first_name, ''), nullif(last_name, ''))), ''), nullif(btrim(email), ''),
                'Person ' || person_id) AS name,
       email, organization_id, organization.name AS organization
FROM pyrus.persons LEFT JOIN pyrus.organizations AS organization USING (organization_id);

COMMENT ON VIEW pyrus_report.person_names IS
    'Who is this person? One row per person, with a display name: first and last name, else the e-mail address, else '
    'the id.';
COMMENT ON COLUMN pyrus_report.person_names.person_id IS 'Id of the person.';
COMMENT ON COLUMN pyrus_report.person_names.name IS 'Display name; never empty.';
COMMENT ON COLUMN pyrus_report.person_names.email IS 'E-mail address; null if Pyrus does not give one.';
COMMENT ON COLUMN pyrus_report.person_names.organization_id IS
    'Id of the person''s organization; null if the contacts do not name one.';
COMMENT ON COLUMN pyrus_report.person_names.organization IS
    'Name of the person''s organization; null if the contacts do not name one.';
