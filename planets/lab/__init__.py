"""The lab: does the cache pay here, and which TTL, memory and eviction policy are best?

measure_cache    reads -> states of the cache -> measurement -> report
tune_cache       workload -> replay on private servers -> sweep -> advice -> report
make_planets     synthetic: rows to measure with
"""
