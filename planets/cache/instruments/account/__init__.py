"""The account of statements: what each SELECT and write of the site costs, cached or not.

Every process hears of its own (listener), in lines of one statement each (line, ledger), and adds
them to the hour's ledger in Redis (sharing). What it tells of them is in the lab: advice.
"""
