CREATE OR REPLACE VIEW pyrus_report.person_names AS
SELECT person_id,
       coalesce(nullif(btrim(concat_ws(' ', nullif(first_name, ''), nullif(last_name, ''))), ''), nullif(btrim(role.name), ''),
                nullif(btrim(email), ''),
                'Person ' || person_id) AS name,
       email, organization_id, organization.name AS organization,
       coalesce(person_type, CASE WHEN role_id IS NOT NULL THEN 'role' END) AS person_type, department_name AS department,
       position, coalesce(persons.banned, role.banned) AS banned, coalesce(persons.fired, role.fired) AS fired
FROM pyrus.persons LEFT JOIN pyrus.organizations AS organization USING (organization_id)
LEFT JOIN pyrus.roles AS role ON role_id = person_id;

COMMENT ON VIEW pyrus_report.person_names IS
    'Who is this person? One row per person, with a display name: first and last name, else the name of the role, else '
    'the e-mail address, else the id. Bots and roles are persons too.';
COMMENT ON COLUMN pyrus_report.person_names.person_id IS 'Id of the person.';
COMMENT ON COLUMN pyrus_report.person_names.name IS 'Display name; never empty.';
COMMENT ON COLUMN pyrus_report.person_names.email IS 'E-mail address; null if Pyrus does not give one.';
COMMENT ON COLUMN pyrus_report.person_names.organization_id IS
    'Id of the person''s organization; null if the contacts do not name one.';
COMMENT ON COLUMN pyrus_report.person_names.organization IS
    'Name of the person''s organization; null if the contacts do not name one.';
COMMENT ON COLUMN pyrus_report.person_names.person_type IS 'user, bot or role; null if Pyrus does not say.';
COMMENT ON COLUMN pyrus_report.person_names.department IS 'Name of the person''s department.';
COMMENT ON COLUMN pyrus_report.person_names.position IS 'Position in the organization.';
COMMENT ON COLUMN pyrus_report.person_names.banned IS 'Whether the person is blocked; null if Pyrus does not say.';
COMMENT ON COLUMN pyrus_report.person_names.fired IS
    'Whether the person has left the organization; null if Pyrus does not say.';
