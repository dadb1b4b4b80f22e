CREATE OR REPLACE VIEW pyrus_report.clock AS
SELECT now() AS now, (now() AT TIME ZONE time_zone)::date AS today, time_zone
FROM pyrus.report_settings;

COMMENT ON VIEW pyrus_report.clock IS
    'What time is it for the reports? One row; every report takes the time and the time zone from here.';
COMMENT ON COLUMN pyrus_report.clock.now IS 'The present.';
COMMENT ON COLUMN pyrus_report.clock.today IS 'The present day in the time zone of the reports.';
COMMENT ON COLUMN pyrus_report.clock.time_zone IS 'The time zone in which days, weeks and hours are cut (report_settings).';
