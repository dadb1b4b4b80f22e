CREATE OR REPLACE VIEW pyrus_report.clock AS
SELECT now() AS now, (now() AT TIME ZONE time_zone)::date AS today, time_zone
FROM pyrus.report_settings;

COMMENT ON VIEW pyrus_report.clock IS
    'What is the current time for the reports? One row; every report takes the time and the time zone from here.';
COMMENT ON COLUMN pyrus_report.clock.now IS 'The current time.';
COMMENT ON COLUMN pyrus_report.clock.today IS 'The current day in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.clock.time_zone IS
    'Time zone of the reports, which decides when days, weeks and hours begin; e.g. Europe/Moscow.';
