CREATE OR REPLACE VIEW pyrus_report.run_accounts AS
WITH known AS (
    SELECT DISTINCT ON (login) login, account_id FROM pyrus.sync_runs
    WHERE login IS NOT NULL AND account_id IS NOT NULL ORDER BY login, started_at DESC
), only_one AS (
    SELECT min(account_id) AS account_id FROM pyrus.sync_runs WHERE kind <> 'files' HAVING count(DISTINCT account_id) = 1
)
SELECT run_id, coalesce(run.account_id, known.account_id, only_one.account_id) AS account_id,
       run.account_id IS NOT NULL AS is_logged_in, run.login
FROM pyrus.sync_runs AS run
LEFT JOIN known ON known.login = run.login
LEFT JOIN only_one ON run.kind <> 'files';

COMMENT ON VIEW pyrus_report.run_accounts IS
    'Which account does a run belong to, even if it could not log in? One row per run. A run that could not log in '
    'belongs to the account that the same login had in another run, else to the only account that exists, else to '
    'none.';
COMMENT ON COLUMN pyrus_report.run_accounts.run_id IS 'Id of the run; see sync_history.';
COMMENT ON COLUMN pyrus_report.run_accounts.account_id IS
    'Id of the person that the connector logs in as; null if unknown.';
COMMENT ON COLUMN pyrus_report.run_accounts.is_logged_in IS 'Whether the run could log in.';
COMMENT ON COLUMN pyrus_report.run_accounts.login IS
    'PYRUS_LOGIN of the run; null if it used an access token or no login was set.';
