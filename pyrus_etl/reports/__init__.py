"""Everything in the schema pyrus_report: views, wide views, rights, the page; and the migrations that carry them."""
