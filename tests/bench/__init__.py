"""A benchmark beside the peers, run by `python -m tests.bench`; docs/speed.md tells of it.

__main__     starts the servers and the workers, interleaves the rounds
worker       one contender in a process of its own: what two of them patch is all of Django
contenders   what each does, in its best fair configuration
served       the site by gunicorn, asked by wrk
latency      a proxy that keeps the database a millisecond away
report chart medians, targets, the table, the JSON, the SVG
"""
