"""The lab: does the cache pay here, and which TTL, memory and eviction policy are best?

measure_cache    reads, pages -> states of the cache -> measurement -> verdict, report
tune_cache       workload -> replay on private servers -> sweep -> advice -> report
"""
