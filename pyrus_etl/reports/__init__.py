"""Everything in the schema pyrus_report: views, wide views, grants and the page; and `db upgrade`, which makes them."""
