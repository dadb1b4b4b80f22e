"""Everything in the schema pyrus_report: views, wide views, rights and the page; and `db upgrade`, which makes them."""
