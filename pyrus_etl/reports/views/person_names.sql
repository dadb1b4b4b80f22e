CREATE OR REPLACE VIEW pyrus_report.person_names AS
SELECT person_id,
       coalesce(nullif(btrim(concat_ws(' ', nullif(first_name, ''), nullif(last_name, ''))), ''), nullif(btrim(email), ''),
                'Person ' || person_id) AS name,
       email, organization_id, organization.name AS organization
FROM pyrus.persons LEFT JOIN pyrus.organizations AS organization USING (organization_id);

COMMENT ON VIEW pyrus_report.person_names IS
    'Who is this person? One row a person, with the name to show: first and last name, else the e-mail, else the id.';
COMMENT ON COLUMN pyrus_report.person_names.person_id IS 'The person.';
COMMENT ON COLUMN pyrus_report.person_names.name IS 'The name to show; never empty.';
COMMENT ON COLUMN pyrus_report.person_names.email IS 'E-mail address, where Pyrus tells it.';
COMMENT ON COLUMN pyrus_report.person_names.organization_id IS 'Their organization, where the contacts name it.';
COMMENT ON COLUMN pyrus_report.person_names.organization IS 'Name of that organization.';
