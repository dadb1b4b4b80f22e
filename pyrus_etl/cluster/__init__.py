"""Several machines: who works on which account, and when. What counts is decided in each organisation's database."""
